/** `POST /api/v1/apps`: an archive becomes the current version of the app it names. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { discardRest } from '#surfaces/edge/discard-rest.ts';
import { deploymentToJson } from './app-to-json.ts';
import { assertArchive, readArchive } from './archive-upload.ts';

export function registerDeploy(app: FastifyInstance, parts: AppsParts): void {
  const { apps, clock, maxUploadBytes: maxBytes } = parts;
  void app.register((scope, _options, done) => {
    // The handler reads the body as it comes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    scope.post('/api/v1/apps', async (request, reply) => {
      assertOperator(principalOf(request));
      assertArchive(request, maxBytes);
      const before = new Map(apps.list().map(({ name, current }) => [name, current]));
      const archive = readArchive(request, { clock, maxBytes });
      try {
        const version = await apps.deploy(archive, { signal: callerSignal(reply) });
        const previous = before.get(version.manifest.name)?.manifest.version ?? null;
        void reply.code(201).header('location', `/api/v1/apps/${version.manifest.name}`);
        return deploymentToJson(version, previous);
      } finally {
        discardRest(request.raw, reply.raw, clock);
      }
    });
    done();
  });
}
