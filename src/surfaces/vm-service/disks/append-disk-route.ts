/**
 * `PATCH /v1/disks/{id}`: bytes of the image from `Upload-Offset` on. They are written as they come
 * and are there for good when the answer says so. The heads of requests that come while an earlier
 * one is under way end that one.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '#kernel/clock.ts';
import { decodeExtents, EXTENTS_TYPE, type Zeros } from '#machines/disk-extents.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { discardRest } from '#surfaces/edge/discard-rest.ts';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { readLongBody } from '#surfaces/edge/long-body.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { diskToJson } from './disk-to-json.ts';
import { parseDiskRef, parseOffset } from './parse-disk.ts';

export function registerAppendDisk(app: FastifyInstance, { disks, clock }: VmServiceParts): void {
  void app.register((scope, _options, done) => {
    // The handler reads the body as it comes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    scope.patch('/v1/disks/:id', async (request, reply) => {
      try {
        const open = (maxBytes: number) => openBody(request, clock, maxBytes);
        const part = { offset: parseOffset(request), open };
        const disk = await disks.append(principalOf(request), parseDiskRef(request), part);
        void reply.header('upload-offset', disk.receivedBytes);
        return diskToJson(disk);
      } finally {
        discardRest(request.raw, reply.raw, clock);
      }
    });
    done();
  });
}

function openBody(
  request: FastifyRequest,
  clock: Clock,
  maxBytes: number,
): AsyncIterable<Uint8Array | Zeros> {
  const refuse = () => tooLong(maxBytes);
  if (!isExtents(request)) return readLongBody(request, { clock, maxBytes, tooLong: refuse });
  let left = maxBytes;
  // Each extent is at least a byte of the disk, so that their lengths bound the body as well.
  const body = readLongBody(request, { clock, maxBytes: Infinity, tooLong: refuse });
  return decodeExtents(body, (length) => {
    left -= length;
    if (left < 0) throw refuse();
  });
}

function isExtents({ headers }: FastifyRequest): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === EXTENTS_TYPE;
}

function tooLong(remaining: number): HttpRefusal {
  const text = `only ${remaining} bytes of the disk are missing, and more were sent`;
  return new HttpRefusal(413, text, 'BODY_TOO_LARGE');
}
