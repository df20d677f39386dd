/**
 * Streams over the Connect protocol. The library serves them; for JSON it serves the same stream
 * in binary, and each message is put into the other form on its way in and out, so that JSON in a
 * stream reads the same as JSON in a single answer:
 *
 *   caller ── JSON ──▶ to binary ──▶ the library's handler ──▶ to JSON ── JSON ──▶ caller
 *
 * The last envelope of an answer, which carries errors and trailers, is JSON in both.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import {
  compressionNegotiate,
  encodeEnvelope,
  pipe,
  transformDecompressEnvelope,
  transformSplitEnvelope,
} from '@connectrpc/connect/protocol';
import type {
  Compression,
  UniversalHandler,
  UniversalHandlerFn,
  UniversalServerRequest,
} from '@connectrpc/connect/protocol';
import { createJsonReader } from './json-reader.ts';
import { createJsonWriter } from './json-writer.ts';
import { NodeBody } from './node-request.ts';

interface ConnectStreamOptions {
  readonly maxRequestBytes: number;
  readonly compressions: readonly Compression[];
}

type Bytes = AsyncIterable<Uint8Array>;

const JSON_TYPE = 'application/connect+json';
const BINARY_TYPE = 'application/connect+proto';
const END_STREAM_FLAG = 0b10;
const MAX_ENVELOPE_BYTES = 0xffffffff;

export function createConnectStreamHandler(
  handler: UniversalHandler,
  options: ConnectStreamOptions,
): UniversalHandlerFn {
  const toBinaryBody = createRequestTransform(handler.method, options.maxRequestBytes);
  const toJsonBody = createResponseTransform(handler.method);
  return async (request) => {
    if (request.header.get('content-type')?.startsWith(JSON_TYPE) !== true) return handler(request);
    const header = new Headers(request.header);
    header.set('content-type', BINARY_TYPE);
    // What is rewritten here goes without compression from here on.
    header.delete('connect-accept-encoding');
    const { request: compression, error } = negotiate(request, options.compressions);
    // An encoding that is not known stays in the header, for the handler to refuse.
    if (error === undefined) header.delete('connect-content-encoding');
    const body = toBinaryBody(bodyOf(request), compression);
    const response = await handler({ ...request, header, body });
    if (response.body === undefined) return response;
    const answered = new Headers(response.header);
    answered.set('content-type', JSON_TYPE);
    return { ...response, header: answered, body: toJsonBody(response.body) };
  };
}

function negotiate(request: UniversalServerRequest, compressions: readonly Compression[]) {
  const encoding = request.header.get('connect-content-encoding');
  return compressionNegotiate([...compressions], encoding, null, 'connect-accept-encoding');
}

function bodyOf({ body }: UniversalServerRequest): Bytes {
  if (body instanceof NodeBody) return body;
  throw new TypeError('requests come from mountRpc, which leaves their bodies unread');
}

function createRequestTransform(method: DescMethod, maxBytes: number) {
  const read = createJsonReader(method.input);
  return async function* (body: Bytes, compression: Compression | null): Bytes {
    const envelopes = pipe(
      body,
      transformSplitEnvelope(maxBytes),
      transformDecompressEnvelope(compression, maxBytes),
    );
    for await (const { flags, data } of envelopes) {
      yield encodeEnvelope(flags, toBinary(method.input, read(data)));
    }
  };
}

function createResponseTransform(method: DescMethod) {
  const write = createJsonWriter(method.output);
  return async function* (body: Bytes): Bytes {
    for await (const { flags, data } of pipe(body, transformSplitEnvelope(MAX_ENVELOPE_BYTES))) {
      const isEnd = (flags & END_STREAM_FLAG) !== 0;
      yield encodeEnvelope(
        flags,
        isEnd ? data : Buffer.from(write(fromBinary(method.output, data)), 'utf8'),
      );
    }
  };
}
