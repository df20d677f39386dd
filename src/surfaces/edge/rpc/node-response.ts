/** Writes the answer of a protocol handler to Node's response, HTTP version 1.1 or 2. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { SingleChunk } from './single-chunk.ts';

/** Resolves when all is handed to the connection, or when there is nobody left to read it. */
export async function sendResponse(
  response: UniversalServerResponse,
  raw: ServerResponse,
): Promise<void> {
  const { status, body } = response;
  if (body === undefined || body instanceof SingleChunk) {
    raw.writeHead(status, toNodeHeaders(response.header));
    raw.end(body?.bytes);
    return;
  }
  let isClosed = raw.closed || raw.destroyed;
  raw.once('close', () => {
    isClosed = true;
  });
  const iterator = body[Symbol.asyncIterator]();
  try {
    // Read before the head is written, because implementations may set headers until then.
    let next = await iterator.next();
    if (!isClosed) raw.writeHead(status, toNodeHeaders(response.header));
    while (next.done !== true && !isClosed) {
      if (!raw.write(next.value)) await untilDrained(raw);
      next = await iterator.next();
    }
    if (isClosed) return;
    if (response.trailer !== undefined) raw.addTrailers(toNodeTrailers(response.trailer));
    raw.end();
  } finally {
    // Ends the implementation when the reader went first; after the end it does nothing.
    await iterator.return?.();
  }
}

function untilDrained(raw: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = () => {
    raw.off('drain', settle);
    raw.off('close', settle);
    resolve();
  };
  raw.on('drain', settle);
  raw.on('close', settle);
  return promise;
}

function toNodeHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  return Object.fromEntries(headers ?? []);
}

/**
 * The library escapes every mark in `grpc-message`, of which some clients undo only the ones that
 * gRPC asks for: bytes outside of printable ASCII, and the percent sign.
 */
function toNodeTrailers(trailer: Headers): Record<string, string> {
  const trailers = Object.fromEntries(trailer);
  const message = trailers['grpc-message'];
  if (message !== undefined) {
    trailers['grpc-message'] = decodeURIComponent(message).replaceAll(
      /[^ -$&-~]+/gu,
      encodeURIComponent,
    );
  }
  return trailers;
}
