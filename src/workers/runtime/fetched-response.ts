/** A Response as `fetch` gives it: it knows where it came from, and its body is decoded. */
import { DecompressionStream, ReadableStream } from 'node:stream/web';
import type { ResponseHead } from '#workers/exchange.ts';
import { AppResponse } from './web-response.ts';

export interface FetchedParts {
  readonly url: string;
  readonly isRedirected: boolean;
}

type Body = Uint8Array | ReadableStream<Uint8Array> | null;

const NULL_BODY_STATUSES = [204, 205, 304];
const DECODERS: Readonly<Record<string, 'gzip' | 'brotli'>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  br: 'brotli',
};

export class FetchedResponse extends AppResponse {
  readonly #parts: FetchedParts;

  static {
    Object.defineProperty(this, 'name', { value: 'Response' });
    const own = {
      url: (response: FetchedResponse) => response.#parts.url,
      redirected: (response: FetchedResponse) => response.#parts.isRedirected,
      type: () => 'basic',
    };
    for (const [name, read] of Object.entries(own)) {
      const get = function get(this: FetchedResponse): unknown {
        return read(this);
      };
      Object.defineProperty(this.prototype, name, { get, enumerable: true, configurable: true });
    }
  }

  static create(
    { status, headers: flat }: ResponseHead,
    body: Body,
    parts: FetchedParts,
  ): Response {
    const headers = new Headers();
    for (let at = 0; at + 1 < flat.length; at += 2) {
      headers.append(flat[at] ?? '', flat[at + 1] ?? '');
    }
    const content = NULL_BODY_STATUSES.includes(status) ? null : body;
    return new FetchedResponse(decoded(content, headers), { status, headers }, parts);
  }

  private constructor(body: Body, init: ResponseInit, parts: FetchedParts) {
    super(body, init);
    this.#parts = parts;
  }

  override clone(): Response {
    const { body, status, statusText, headers } = super.clone();
    return new FetchedResponse(body, { status, statusText, headers }, this.#parts);
  }
}

/** The headers no longer say what was undone, so that an app can pass the response on as it is. */
function decoded(body: Body, headers: Headers): Body {
  const decoder = DECODERS[headers.get('content-encoding')?.trim().toLowerCase() ?? ''];
  if (body === null || decoder === undefined) return body;
  headers.delete('content-encoding');
  headers.delete('content-length');
  const { readable, writable } = new DecompressionStream(decoder);
  // Where it breaks, so does what is read of it.
  void bytesOf(body)
    .pipeTo(writable)
    .catch(() => undefined);
  return readable;
}

function bytesOf(body: Uint8Array | ReadableStream<Uint8Array>): ReadableStream<unknown> {
  return body instanceof Uint8Array ? ReadableStream.from([body]) : body;
}
