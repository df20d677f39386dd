/** Sends what an app answered. The common answer, text or bytes, is one call and no stream. */
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web';
import type { AnswerWriter, FlatHeaders, ResponseHead } from '#workers/exchange.ts';
import { AppResponse } from './web-response.ts';

/** A body up to here travels with the head; a longer one follows in pieces of this size. */
const PIECE_BYTES = 64 * 1024;

const NO_BYTES = new Uint8Array(0);
const WITHOUT_BODY = [204, 205, 304];

export class ResponseWriter {
  readonly #answer: AnswerWriter;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #hasHead = false;
  #isStopped = false;

  constructor(answer: AnswerWriter) {
    this.#answer = answer;
  }

  /** From then on a failure cuts the answer off. */
  get hasHead(): boolean {
    return this.#hasHead;
  }

  /**
   * Undefined when all is written; otherwise resolves when it is, or nobody wants it any more.
   * Throws, or rejects, when this is nothing that can be sent.
   */
  send(response: unknown, isHeadOnly: boolean): Promise<void> | undefined {
    assertResponse(response);
    const body = takeBody(response);
    if (this.#isStopped) return cancel(body);
    const head = headOf(response);
    const isEmpty = body === undefined || isHeadOnly || WITHOUT_BODY.includes(head.status);
    if (isEmpty) {
      this.#head(head, NO_BYTES);
      return cancel(body);
    }
    if (!(body instanceof Uint8Array)) {
      this.#head(head, undefined);
      return this.#pipe(body);
    }
    if (body.length <= PIECE_BYTES) {
      this.#head(head, body);
      return undefined;
    }
    this.#head(head, undefined);
    return this.#writeAll(body).then(() => this.#end());
  }

  /** Nobody waits for the rest. */
  stop(): void {
    this.#isStopped = true;
    this.resume();
    // What the app does about it, and whether it fails, concerns nobody.
    this.#reader?.cancel().catch(() => undefined);
  }

  /** The link takes more. */
  resume(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #head(head: ResponseHead, body: Uint8Array | undefined): void {
    this.#hasHead = true;
    this.#answer.head(head, body);
  }

  #end(): void {
    if (!this.#isStopped) this.#answer.end();
  }

  async #pipe(body: ReadableStream<unknown>): Promise<void> {
    const reader = body.getReader();
    this.#reader = reader;
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#isStopped) return;
      if (done) break;
      if (!(value instanceof Uint8Array)) {
        await reader.cancel().catch(() => undefined);
        throw new TypeError(`a response body is made of Uint8Array, not of ${typeof value}`);
      }
      await this.#writeAll(value);
    }
    this.#end();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isStopped; at += PIECE_BYTES) {
      if (this.#answer.write(bytes.subarray(at, at + PIECE_BYTES))) continue;
      this.#drained = Promise.withResolvers<void>();
      await this.#drained.promise;
    }
  }
}

/** Flat, each cookie by itself. */
export function flatHeaders(headers: Headers): FlatHeaders {
  const flat: string[] = [];
  for (const [name, value] of headers) flat.push(name, value);
  return flat;
}

function headOf(response: Response): ResponseHead {
  return { status: response.status, headers: flatHeaders(response.headers) };
}

type Body = Uint8Array | ReadableStream<unknown> | undefined;

function takeBody(response: Response): Body {
  const held = AppResponse.take(response);
  if (held !== undefined) return typeof held === 'string' ? Buffer.from(held) : held;
  if (response.status === 0) throw new TypeError('fetch returned Response.error(), no answer');
  const { body } = response;
  if (body === null) return undefined;
  if (response.bodyUsed || body.locked) {
    throw new TypeError('fetch returned a Response whose body was read before');
  }
  return body;
}

function assertResponse(response: unknown): asserts response is Response {
  if (response instanceof Response) return;
  const what = response === null ? 'null' : typeof response;
  throw new TypeError(`fetch must return a Response, not ${what}`);
}

/** Whoever made a stream that nobody reads is told so. */
function cancel(body: Body): Promise<void> | undefined {
  if (body === undefined || body instanceof Uint8Array) return undefined;
  return body.cancel().catch(() => undefined);
}
