/**
 * What node:http2 leaves to its user: connections without a stream are closed after a while, and
 * a request whose body does not come is answered 408 and its stream closed.
 */
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { errorToBody } from './http-errors.ts';

// The client of a streaming call may hold its side open as long as the call lasts; such calls
// are bounded by the number of streams instead.
const STREAMING = /^application\/(?:grpc|connect\+)/;

/** Closes the session when it had no stream for `idleMs`. */
export function closeWhenIdle(session: ServerHttp2Session, idleMs: number, clock: Clock): void {
  let streams = 0;
  let timer: Timer | undefined;
  const rest = () => {
    timer = clock.after(idleMs, () => session.close());
  };
  session.on('stream', (stream) => {
    streams += 1;
    timer?.cancel();
    stream.once('close', () => {
      streams -= 1;
      if (streams === 0 && !session.closed) rest();
    });
  });
  session.once('close', () => timer?.cancel());
  rest();
}

/** Answers 408 when the request is not received whole within `timeoutMs`. */
export function boundRequestBody(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  options: { readonly timeoutMs: number; readonly clock: Clock },
): void {
  if (request.stream.endAfterHeaders) return;
  if (STREAMING.test(request.headers['content-type'] ?? '')) return;
  const timer = options.clock.after(options.timeoutMs, () => giveUp(request, response));
  const stop = () => timer.cancel();
  request.stream.once('end', stop);
  request.stream.once('close', stop);
}

function giveUp(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const close = () => request.stream.close(constants.NGHTTP2_NO_ERROR);
  if (response.headersSent) {
    close();
    return;
  }
  const error = new DroverError(
    'invalid_argument',
    'the request was not received in time; send it faster or in smaller parts',
    { reason: 'REQUEST_TIMEOUT' },
  );
  const requestId = response.getHeader('x-request-id');
  response.statusCode = 408;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(
    JSON.stringify(errorToBody(error, typeof requestId === 'string' ? requestId : '')),
    close,
  );
}
