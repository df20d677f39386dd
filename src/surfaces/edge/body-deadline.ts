/**
 * A request whose body does not come whole in time is answered 408 and its connection, or its
 * stream of HTTP/2, is closed. A route that takes long bodies says so, and watches over them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { errorToBody } from './http-errors.ts';

type RawRequest = IncomingMessage | Http2ServerRequest;
type RawResponse = ServerResponse | Http2ServerResponse;

// The client of a streaming call may hold its side open as long as the call lasts; such calls
// are bounded by the number of streams instead.
const STREAMING = /^application\/(?:grpc|connect\+)/;

const deadlines = new WeakMap<RawRequest, Timer>();

export function boundRequestBody(
  request: RawRequest,
  response: RawResponse,
  options: { readonly timeoutMs: number; readonly clock: Clock },
): void {
  if (!hasBody(request)) return;
  if (STREAMING.test(request.headers['content-type'] ?? '')) return;
  const timer = options.clock.after(options.timeoutMs, () => giveUp(request, response));
  deadlines.set(request, timer);
  const stop = () => timer.cancel();
  request.once('end', stop);
  request.once('close', stop);
}

/** Whether it may come to be answered here, past whoever else would answer. */
export function hasBodyDeadline(request: RawRequest): boolean {
  return deadlines.has(request);
}

/** For a route that takes long bodies, with a bound of its own. */
export function liftBodyDeadline(request: RawRequest): void {
  deadlines.get(request)?.cancel();
}

function hasBody(request: RawRequest): boolean {
  if (request instanceof Http2ServerRequest) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function giveUp(request: RawRequest, response: RawResponse): void {
  const close = () => {
    if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else request.destroy();
  };
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
  if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
  const body = JSON.stringify(errorToBody(error, typeof requestId === 'string' ? requestId : ''));
  response.end(body, close);
}
