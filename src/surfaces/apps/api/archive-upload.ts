/** An archive as it comes in: never more of it in memory than a few chunks. */
import type { FastifyRequest } from 'fastify';
import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { readLongBody } from '#surfaces/edge/long-body.ts';
import { hasBody } from '#surfaces/apps/serving/request-body.ts';

const TYPES = [
  ...['application/gzip', 'application/x-gzip', 'application/x-tar', 'application/octet-stream'],
];

/** Before anything is read: of what kind it says to be, and how long. */
export function assertArchive({ raw, headers }: FastifyRequest, maxBytes: number): void {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!hasBody(raw)) throw invalidArgument('body', 'must be the archive of an app');
  if (!TYPES.includes(type)) {
    const message = `the content type is not one of an archive; send one of ${TYPES.join(', ')}`;
    throw new HttpRefusal(415, message, 'UNSUPPORTED_MEDIA_TYPE');
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong(maxBytes);
}

/** Throws when it is longer than allowed, or does not go on. */
export function readArchive(
  request: FastifyRequest,
  { clock, maxBytes }: { readonly clock: Clock; readonly maxBytes: number },
): AsyncGenerator<Uint8Array, void> {
  return readLongBody(request, { clock, maxBytes, tooLong: () => tooLong(maxBytes) });
}

function tooLong(maxBytes: number): HttpRefusal {
  const message = `the archive is longer than ${maxBytes} bytes, which is the most`;
  return new HttpRefusal(413, message, 'BODY_TOO_LARGE');
}
