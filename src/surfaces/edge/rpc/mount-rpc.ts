/**
 * RPC paths on a Fastify instance that also serves REST. Fastify routes and runs its hooks; the
 * body and the answer go past it, since gRPC needs trailers and streams in both directions.
 */
import type { ServerResponse } from 'node:http';
import { Http2ServerResponse, constants } from 'node:http2';
import { createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { errorToBody } from '#surfaces/edge/http-errors.ts';
import { createUniversalRequest } from './node-request.ts';
import { sendResponse } from './node-response.ts';
import { edgeRequestKey } from './rpc-request.ts';
import { SingleChunk } from './single-chunk.ts';

export function mountRpc(app: FastifyInstance, handlers: readonly UniversalHandler[]): void {
  void app.register((scope, _options, done) => {
    // The handlers read bodies themselves, and refuse the content types they do not know.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    for (const handler of handlers) {
      // Fastify's own check of who calls is not for these paths: refusals must have the form of
      // the protocol, which only the handler knows.
      scope.post(handler.requestPath, { config: { public: true } }, async (request, reply) => {
        reply.hijack();
        await answer(handler, request, reply);
      });
    }
    done();
  });
}

async function answer(
  handler: UniversalHandler,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { raw } = reply;
  raw.once('finish', () => discardRest(request, raw));
  try {
    const values = createContextValues().set(edgeRequestKey, request);
    const response = await handler(createUniversalRequest(request.raw, raw, values));
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
    const isRefusal = response.body === undefined;
    await sendResponse(isRefusal ? toRefusal(response, request) : response, raw);
  } catch (thrown) {
    request.log.error({ err: thrown }, 'answering a call failed');
    raw.destroy();
  }
}

/** The library refuses what no protocol can be made out of with a status alone; here is why. */
function toRefusal(
  response: UniversalServerResponse,
  request: FastifyRequest,
): UniversalServerResponse {
  const error = new DroverError(
    'invalid_argument',
    response.status === 505
      ? 'streams in both directions need HTTP/2'
      : "no protocol spoken here has this content type; send 'Content-Type: application/json' " +
          'with a JSON body, or speak Connect, gRPC or gRPC-Web',
    { reason: response.status === 505 ? 'HTTP2_REQUIRED' : 'UNSUPPORTED_MEDIA_TYPE' },
  );
  request.failure = error;
  const body = Buffer.from(JSON.stringify(errorToBody(error, request.id)), 'utf8');
  const header = new Headers(response.header);
  header.set('content-type', 'application/json; charset=utf-8');
  header.set('content-length', String(body.byteLength));
  return { status: response.status, header, body: new SingleChunk(body) };
}

/** What the caller still sends once it is answered goes unread, but not unbounded. */
function discardRest(request: FastifyRequest, raw: ServerResponse): void {
  if (request.raw.readableEnded || request.raw.destroyed) return;
  if (request.raw.httpVersionMajor === 1) {
    request.raw.resume();
  } else if (raw instanceof Http2ServerResponse) {
    raw.stream.close(constants.NGHTTP2_NO_ERROR);
  }
}
