/**
 * Files to migrate from: `PUT /uploads/{name}` takes one as it comes, `GET /uploads` lists them,
 * `DELETE /uploads/{name}` removes one.
 */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { discardRest } from '#surfaces/edge/discard-rest.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import type { Upload } from '#transfers/uploads.ts';
import { readUpload } from './read-upload.ts';

interface UploadParams {
  readonly Params: { readonly name: string };
}

export function registerUploadRoutes(app: FastifyInstance, parts: MigrationParts): void {
  const { uploads, clock } = parts;
  const now = () => toIsoTime(clock.nowMs());
  app.get('/uploads', async (_request, reply) => {
    const all = await uploads.list(callerSignal(reply));
    return { uploads: all.map(uploadToJson), total: all.length, timestamp: now() };
  });
  app.delete<UploadParams>('/uploads/:name', async ({ params }) => {
    await uploads.remove(params.name);
    return { message: 'upload deleted successfully', timestamp: now() };
  });
  void app.register((scope, _options, done) => {
    // The handler reads the body as it comes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    scope.put<UploadParams>('/uploads/:name', async (request, reply) => {
      const body = readUpload(request, { clock, maxBytes: parts.maxUploadBytes });
      try {
        const upload = await uploads.save(request.params.name, body);
        void reply.code(201);
        return { message: 'upload complete', upload: uploadToJson(upload), timestamp: now() };
      } finally {
        discardRest(request.raw, reply.raw, clock);
      }
    });
    done();
  });
}

function uploadToJson({ name, path, sizeBytes, changedAt }: Upload): object {
  return { name, path, size: sizeBytes, uploaded_at: toIsoTime(changedAt) };
}
