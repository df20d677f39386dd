/** One request of an app on its way out, and the Response that comes of it. */
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web';
import type { DroverError } from '#kernel/errors.ts';
import type {
  AnswerHandler,
  Exchange,
  FlatHeaders,
  RequestHead,
  ResponseHead,
} from '#workers/exchange.ts';
import { CreditedBody } from './credited-body.ts';
import { FetchedResponse, type FetchedParts } from './fetched-response.ts';

export type BeginRequest = (
  head: RequestHead,
  body: Uint8Array | undefined,
  handler: AnswerHandler,
) => Exchange;

export interface CallParts extends Omit<FetchedParts, 'url'> {
  readonly url: URL;
  readonly method: string;
  readonly signal: AbortSignal;
}

export interface CallHead {
  readonly method: string;
  readonly url: string;
  readonly headers: FlatHeaders;
}

type Body = Uint8Array | ReadableStream<unknown> | null;

interface Abandoned {
  readonly body: ReadableStream<unknown>;
  readonly call: OutgoingCall;
}

/** Nobody can read the body of a response that is forgotten; who sends it must not wait on. */
const forgotten = new FinalizationRegistry<Abandoned>(({ body, call }) => {
  if (!body.locked) call.abandon();
});

export class OutgoingCall implements AnswerHandler {
  readonly #parts: CallParts;
  readonly #answered = Promise.withResolvers<Response>();
  readonly #onAbort = () => this.#abort();
  #exchange: Exchange | undefined;
  #upload: ReadableStreamDefaultReader<unknown> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #body: CreditedBody | undefined;
  #isOver = false;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  send(begin: BeginRequest, { method, url, headers }: CallHead, body: Body): Promise<Response> {
    const { signal } = this.#parts;
    signal.throwIfAborted();
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const isWhole = body instanceof Uint8Array;
    const length = isWhole ? ['content-length', `${body.length}`] : [];
    const head = {
      ...{ method, url },
      headers: [...headers, ...(headers.includes('content-length') ? [] : length)],
      hasBody: body !== null && !isWhole,
    };
    try {
      this.#exchange = begin(head, isWhole ? body : undefined, this);
      if (body !== null && !isWhole) void this.#pump(this.#exchange, body);
    } catch (thrown) {
      this.#finish();
      this.#answered.reject(failedFetch(thrown));
    }
    return this.#answered.promise;
  }

  /** Nobody reads the rest of the answer. */
  abandon(): void {
    if (this.#isOver) return;
    this.#exchange?.abort();
    this.#finish();
  }

  onHead(head: ResponseHead, whole: Uint8Array | undefined): void {
    if (whole === undefined) {
      this.#body = new CreditedBody({
        consume: (byteCount) => this.#exchange?.consume(byteCount),
        cancel: () => this.abandon(),
      });
    }
    try {
      const { method, url, isRedirected } = this.#parts;
      const body = method === 'HEAD' ? null : (whole ?? this.#body?.open() ?? null);
      const response = FetchedResponse.create(head, body, { url: url.href, isRedirected });
      if (whole === undefined && response.body !== null) {
        forgotten.register(response, { body: response.body, call: this });
      }
      this.#answered.resolve(response);
    } catch (thrown) {
      this.abandon();
      this.#answered.reject(failedFetch(thrown));
    }
  }

  onData(bytes: Uint8Array): void {
    this.#body?.push(bytes);
  }

  onEnd(): void {
    this.#finish();
    this.#body?.end();
  }

  onFail(error: DroverError): void {
    this.#finish();
    const { kind, message, reason } = error;
    const code = kind === 'permission_denied' ? 'ERR_ACCESS_DENIED' : reason;
    const cause = Object.assign(new Error(message), { code });
    this.#answered.reject(failedFetch(cause));
    this.#body?.fail(new TypeError('terminated', { cause }));
  }

  onDrain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #abort(): void {
    const reason: unknown = this.#parts.signal.reason;
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason });
    this.abandon();
    // Exactly what the app gave, even if that is no error.
    this.#answered.reject(reason);
    this.#body?.fail(error);
  }

  #finish(): void {
    this.#isOver = true;
    this.#parts.signal.removeEventListener('abort', this.#onAbort);
    this.onDrain();
    this.#upload?.cancel().catch(() => undefined);
  }

  async #pump(exchange: Exchange, body: ReadableStream<unknown>): Promise<void> {
    const reader = body.getReader();
    this.#upload = reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#isOver) return;
        if (done) break;
        if (!(value instanceof Uint8Array)) {
          throw new TypeError(`a request body is made of Uint8Array, not of ${typeof value}`);
        }
        if (exchange.write(value)) continue;
        this.#drained = Promise.withResolvers<void>();
        await this.#drained.promise;
      }
      exchange.end();
    } catch (thrown) {
      this.abandon();
      this.#answered.reject(failedFetch(thrown));
      this.#body?.fail(failedFetch(thrown));
    }
  }
}

export function failedFetch(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}
