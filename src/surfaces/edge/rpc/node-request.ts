/** An HTTP request of Node, version 1.1 or 2, as the protocol handlers take it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContextValues } from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { DroverError } from '#kernel/errors.ts';

const MAX_TIMER_MS = 2 ** 31 - 1;
const GRPC_TIMEOUT = /^([0-9]{1,8})([HMSmun])$/;
// Only the units that can go past the limit within eight digits.
const GRPC_UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000 };

export function createUniversalRequest(
  raw: IncomingMessage,
  response: ServerResponse,
  contextValues: ContextValues,
): UniversalServerRequest & { readonly body: NodeBody } {
  const controller = new AbortController();
  // The answer, not the request: Node closes a request as soon as its body is read. Whether the
  // answer is finished says nothing over HTTP/2, where a reset finishes it too.
  response.once('close', () => {
    if (!response.writableEnded) controller.abort(callerGone());
  });
  const authority = raw.headers[':authority'] ?? raw.headers.host ?? 'localhost';
  return {
    httpVersion: raw.httpVersion,
    method: raw.method ?? 'POST',
    url: `${isEncrypted(raw) ? 'https' : 'http'}://${String(authority)}${raw.url ?? '/'}`,
    header: toHeaders(raw),
    body: new NodeBody(raw),
    signal: controller.signal,
    contextValues,
  };
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

function toHeaders(raw: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw.headers)) {
    // Pseudo headers of HTTP/2 are about the request, not part of its headers.
    if (value === undefined || name.startsWith(':')) continue;
    if (typeof value === 'string') headers.append(name, value);
    else for (const each of value) headers.append(name, each);
  }
  dropEndlessTimeouts(headers);
  return headers;
}

/** Timers of Node end at 2^31 ms; a longer one would fire at once. Some clients ask for years. */
function dropEndlessTimeouts(headers: Headers): void {
  if (Number(headers.get('connect-timeout-ms')) > MAX_TIMER_MS) {
    headers.delete('connect-timeout-ms');
  }
  const [, digits, unit = ''] = GRPC_TIMEOUT.exec(headers.get('grpc-timeout') ?? '') ?? [];
  const unitMs = GRPC_UNIT_MS[unit];
  if (unitMs !== undefined && Number(digits) * unitMs > MAX_TIMER_MS) {
    headers.delete('grpc-timeout');
  }
}

/** The bytes of a request. Leaving early does not cut the connection: the answer is to go there. */
export class NodeBody implements AsyncIterable<Uint8Array> {
  readonly #raw: IncomingMessage;

  constructor(raw: IncomingMessage) {
    this.#raw = raw;
  }

  /** All of it at once, or `resource_exhausted` as soon as it is known to be more than `limit`. */
  readAll(limit: number): Promise<Uint8Array> {
    const raw = this.#raw;
    if (Number(raw.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge(limit));
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const onData = (chunk: Buffer) => {
      sizeBytes += chunk.byteLength;
      chunks.push(chunk);
      if (sizeBytes <= limit) return;
      raw.off('data', onData);
      chunks.length = 0;
      reject(tooLarge(limit));
    };
    raw.on('data', onData);
    // A request that breaks off emits one of these first, and over HTTP/2 an `end` after it. One
    // that does not closes too, and an error for nobody would cost more than reading the body.
    const onGone = () => reject(callerGone());
    raw.once('aborted', onGone);
    raw.once('error', onGone);
    raw.once('close', onGone);
    raw.once('end', () => {
      raw.off('close', onGone);
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    return promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#raw.iterator({ destroyOnReturn: false });
    } catch (cause) {
      throw callerGone(cause);
    }
  }
}

function callerGone(cause?: unknown): DroverError {
  return new DroverError('cancelled', 'the caller went away', { reason: 'CALLER_GONE', cause });
}

function tooLarge(limit: number): DroverError {
  return new DroverError('resource_exhausted', `the request is larger than ${limit} bytes`, {
    reason: 'BODY_TOO_LARGE',
    metadata: { limit_bytes: String(limit) },
  });
}
