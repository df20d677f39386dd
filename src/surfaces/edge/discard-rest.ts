/**
 * What a caller still sends although it was answered. It is read and dropped for a while, since who
 * is still sending often does not read, and closing at once could take the answer back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';

type RawRequest = IncomingMessage | Http2ServerRequest;
type RawResponse = ServerResponse | Http2ServerResponse;

const LINGER_MS = 5 * SECOND_MS;

export function discardRest(raw: RawRequest, response: RawResponse, clock: Clock): void {
  if (raw.readableEnded || raw.destroyed) return;
  raw.resume();
  if (response.writableFinished) linger(raw, clock);
  else response.once('finish', () => linger(raw, clock));
}

function linger(raw: RawRequest, clock: Clock): void {
  if (raw.readableEnded || raw.destroyed) return;
  if (raw instanceof Http2ServerRequest) {
    raw.stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  const timer = clock.after(LINGER_MS, () => raw.destroy());
  raw.once('close', () => timer.cancel());
}
