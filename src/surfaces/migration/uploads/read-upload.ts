/** A file as it comes in: never more of it in memory than a few chunks. */
import { Http2ServerRequest } from 'node:http2';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { readLongBody } from '#surfaces/edge/long-body.ts';

export interface ReadUploadOptions {
  readonly clock: Clock;
  readonly maxBytes: number;
}

/** Throws when it is too long, does not go on, or ends before its end. */
export async function* readUpload(
  request: FastifyRequest,
  { clock, maxBytes }: ReadUploadOptions,
): AsyncGenerator<Uint8Array, void> {
  const { raw, headers } = request;
  const announced = headers['content-length'];
  if (Number(announced ?? 0) > maxBytes) throw tooLong(maxBytes);
  let bytes = 0;
  const options = { clock, maxBytes, tooLong: () => tooLong(maxBytes) };
  for await (const chunk of readLongBody(request, options)) {
    bytes += chunk.length;
    yield chunk;
  }
  // A stream of HTTP/2 that was reset ends like one that was not.
  const isReset = raw instanceof Http2ServerRequest && raw.stream.aborted;
  if (isReset || (announced !== undefined && bytes !== Number(announced))) throw cutOff();
}

function tooLong(maxBytes: number): HttpRefusal {
  const message = `the file is longer than ${formatBytes(maxBytes)}; see migration.uploadSize`;
  return new HttpRefusal(413, message, 'BODY_TOO_LARGE');
}

function cutOff(): DroverError {
  return new DroverError('aborted', 'the upload ended before its end; send it again', {
    reason: 'UPLOAD_CUT_OFF',
  });
}
