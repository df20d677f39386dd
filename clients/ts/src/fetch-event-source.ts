/**
 * An EventSource made of fetch: for runtimes that have none, and to send a token with, which the
 * browsers' own cannot.
 *
 *   connecting ── it answers ──▶ open ── it ends, fails or is silent ──▶ connecting, after a wait
 *       └──── refused for good ────┴──── close() ────▶ closed
 *
 * The wait doubles with every try up to half a minute, is varied so that a thousand clients do not
 * come back at once, and starts over when an event came. A 5xx or 429 is tried again like a lost
 * connection, but not sooner than the server asked for; any other refusal is for good.
 */
import { DroverApiError } from './drover-api-error.ts';
import type { DroverHttp } from './drover-http.ts';
import { EventParser } from './event-parser.ts';
import type { EventStream } from './event-stream.ts';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

const LONGEST_RETRY_MS = 30_000;
/** Drover says something every 15 s at least: after three of them the connection is dead. */
const LONGEST_SILENCE_MS = 45_000;

export class FetchEventSource extends EventTarget implements EventStream {
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly url: string;
  readonly #http: DroverHttp;
  readonly #path: string;
  readonly #firstRetryMs: number;
  #readyState = CONNECTING;
  #retryMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connection = new AbortController();

  constructor(http: DroverHttp, path: string, firstRetryMs: number) {
    super();
    this.url = http.url(path);
    this.#http = http;
    this.#path = path;
    this.#firstRetryMs = firstRetryMs;
    this.#retryMs = firstRetryMs;
    this.addEventListener('open', (event) => this.onopen?.(event));
    this.addEventListener('message', (event) => this.onmessage?.(event as MessageEvent));
    this.addEventListener('error', (event) => this.onerror?.(event));
    void this.#run();
  }

  get readyState(): number {
    return this.#readyState;
  }

  close(): void {
    this.#readyState = CLOSED;
    clearTimeout(this.#timer);
    this.#connection.abort();
  }

  async #run(): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    let failure: unknown;
    try {
      await this.#follow(connection);
    } catch (thrown) {
      failure = thrown;
    } finally {
      clearTimeout(this.#timer);
      connection.abort();
    }
    if (this.#readyState === CLOSED) return;
    if (isFinal(failure)) {
      this.#readyState = CLOSED;
    } else {
      this.#readyState = CONNECTING;
      this.#timer = setTimeout(() => void this.#run(), this.#nextWaitMs(failure));
    }
    this.dispatchEvent(new ErrorEvent(failure));
  }

  /** Until the stream ends. */
  async #follow({ signal }: AbortController): Promise<void> {
    this.#expectSoon();
    const accept = 'text/event-stream';
    const response = await this.#http.open(this.#path, { accept, signal });
    if (signal.aborted) return;
    const type = response.headers.get('content-type') ?? '';
    if (response.body === null || !type.startsWith(accept)) {
      const message = `${this.url} is no stream of events; is a Drover server there?`;
      throw new DroverApiError(message, { status: response.status, kind: 'internal' });
    }
    this.#readyState = OPEN;
    this.dispatchEvent(new Event('open'));
    const parser = new EventParser(({ type: name, data }) => {
      // Closed by the event before, which came with the same bytes.
      if (this.#readyState === CLOSED) return;
      this.#retryMs = this.#firstRetryMs;
      this.dispatchEvent(new MessageEvent(name, { data }));
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.#expectSoon();
      parser.push(decoder.decode(value, { stream: true }));
    }
  }

  #expectSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connection.abort(), LONGEST_SILENCE_MS);
  }

  #nextWaitMs(failure: unknown): number {
    const varied = this.#retryMs * (0.5 + Math.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    const asked = failure instanceof DroverApiError ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
    return Math.min(Math.max(varied, asked), LONGEST_RETRY_MS);
  }
}

/** What went wrong, where that is known; an EventSource of a browser never says. */
class ErrorEvent extends Event {
  readonly error: unknown;

  constructor(error: unknown) {
    super('error');
    this.error = error;
  }
}

function isFinal(failure: unknown): boolean {
  return failure instanceof DroverApiError && failure.status < 500 && failure.status !== 429;
}
