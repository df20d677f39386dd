/**
 * Calls with one message each way over the Connect protocol, JSON and binary.
 *
 * The library's own handler would do but for what is documented here: the JSON (json-reader.ts,
 * json-writer.ts), 412 for a failed precondition, error details in the documented form, and
 * malformed messages being the caller's fault in binary as well.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import { createHandlerContext } from '@connectrpc/connect';
import type { ConnectError, Interceptor, MethodImplSpec } from '@connectrpc/connect';
import { compressionNegotiate, invokeUnaryImplementation } from '@connectrpc/connect/protocol';
import type {
  Compression,
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { mergeNonProtocolHeaders } from '@connectrpc/connect/protocol';
import { parseTimeout, trailerMux } from '@connectrpc/connect/protocol-connect';
import { DroverError } from '#kernel/errors.ts';
import { CALL_ENDED } from './call-signal.ts';
import { translateError, type RpcGate } from './error-interceptor.ts';
import { createJsonReader } from './json-reader.ts';
import { createJsonWriter } from './json-writer.ts';
import { NodeBody } from './node-request.ts';
import { connectErrorToHeaders, connectErrorToJson, connectErrorToStatus } from './rpc-errors.ts';
import { SingleChunk } from './single-chunk.ts';

type UnarySpec = MethodImplSpec & { readonly kind: 'unary' };

interface ConnectUnaryOptions {
  readonly interceptors: readonly Interceptor[];
  readonly gate: RpcGate | undefined;
  readonly maxRequestBytes: number;
  readonly compressions: readonly Compression[];
  readonly errorDomain: string;
}

interface Codec {
  readonly contentType: string;
  readonly read: (body: Uint8Array) => Message;
  readonly write: (message: Message) => Uint8Array;
}

const COMPRESS_FROM_BYTES = 1024;

export function createConnectUnaryHandler(
  spec: UnarySpec,
  options: ConnectUnaryOptions,
): UniversalHandlerFn {
  const json = createJsonCodec(spec.method.input, spec.method.output);
  const binary = createBinaryCodec(spec.method.input, spec.method.output);
  return async (request) => {
    const isBinary = request.header.get('content-type')?.startsWith('application/proto') ?? false;
    return new ConnectUnaryCall(spec, options, isBinary ? binary : json).answer(request);
  };
}

class ConnectUnaryCall {
  readonly #spec: UnarySpec;
  readonly #options: ConnectUnaryOptions;
  readonly #codec: Codec;

  constructor(spec: UnarySpec, options: ConnectUnaryOptions, codec: Codec) {
    this.#spec = spec;
    this.#options = options;
    this.#codec = codec;
  }

  async answer(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const { method } = this.#spec;
    const { header } = request;
    const timeout = parseTimeout(header.get('connect-timeout-ms'), Number.MAX_SAFE_INTEGER);
    const context = createHandlerContext({
      service: method.parent,
      method,
      protocolName: 'connect',
      requestMethod: request.method,
      url: request.url,
      requestHeader: header,
      requestSignal: request.signal,
      responseHeader: { 'content-type': this.#codec.contentType },
      ...(timeout.timeoutMs !== undefined && { timeoutMs: timeout.timeoutMs }),
      ...(request.contextValues !== undefined && { contextValues: request.contextValues }),
    });
    const compression = compressionNegotiate(
      [...this.#options.compressions],
      header.get('content-encoding'),
      header.get('accept-encoding'),
      'accept-encoding',
    );
    let status = 200;
    let body: Uint8Array;
    try {
      await this.#options.gate?.(context);
      assertProtocolVersion(header.get('connect-protocol-version'));
      if (compression.error !== undefined) throw compression.error;
      if (timeout.error !== undefined) throw timeout.error;
      const input = this.#codec.read(await this.#readBody(request, compression.request));
      const interceptors = [...this.#options.interceptors];
      body = this.#codec.write(
        await invokeUnaryImplementation(this.#spec, context, input, interceptors),
      );
    } catch (thrown) {
      const error = translateError(thrown, context.values, this.#options.errorDomain);
      status = connectErrorToStatus(error);
      body = answerError(error, context.responseHeader);
    } finally {
      context.abort(CALL_ENDED);
    }
    if (compression.response !== null && body.byteLength >= COMPRESS_FROM_BYTES) {
      body = await compression.response.compress(body);
      context.responseHeader.set('content-encoding', compression.response.name);
    }
    const answered = trailerMux(context.responseHeader, context.responseTrailer);
    answered.set('content-length', String(body.byteLength));
    return { status, header: answered, body: new SingleChunk(body) };
  }

  async #readBody(
    request: UniversalServerRequest,
    compression: Compression | null,
  ): Promise<Uint8Array> {
    const { maxRequestBytes } = this.#options;
    if (!(request.body instanceof NodeBody)) throw new Error('mountRpc makes every request');
    const body = await request.body.readAll(maxRequestBytes);
    return compression === null ? body : compression.decompress(body, maxRequestBytes);
  }
}

function createJsonCodec(input: DescMessage, output: DescMessage): Codec {
  const write = createJsonWriter(output);
  return {
    contentType: 'application/json',
    read: createJsonReader(input),
    write: (message) => Buffer.from(write(message), 'utf8'),
  };
}

function createBinaryCodec(input: DescMessage, output: DescMessage): Codec {
  return {
    contentType: 'application/proto',
    read: (body) => {
      try {
        return fromBinary(input, body);
      } catch (cause) {
        throw new DroverError('invalid_argument', `the request is no valid ${input.typeName}`, {
          reason: 'MALFORMED_MESSAGE',
          cause,
        });
      }
    },
    write: (message) => toBinary(output, message),
  };
}

function answerError(error: ConnectError, header: Headers): Uint8Array {
  mergeNonProtocolHeaders(header, error.metadata);
  for (const [name, value] of Object.entries(connectErrorToHeaders(error))) header.set(name, value);
  header.set('content-type', 'application/json');
  return Buffer.from(JSON.stringify(connectErrorToJson(error)), 'utf8');
}

function assertProtocolVersion(version: string | null): void {
  if (version === null || version === '1') return;
  throw new DroverError('invalid_argument', 'Connect-Protocol-Version must be 1 when it is sent', {
    reason: 'UNSUPPORTED_PROTOCOL_VERSION',
  });
}
