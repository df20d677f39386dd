/** One call over HTTP, with the token, within a time, and every failure a DroverApiError. */
import { DroverApiError, readRefusal } from './drover-api-error.ts';

export interface ClientOptions {
  /** Sent as `Authorization: Bearer …`. On loopback Drover asks for none. */
  readonly token?: string | undefined;
  /** Instead of the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long a call may take, 30 s when left out. Streams have no such bound. */
  readonly timeoutMs?: number | undefined;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly accept?: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Values that are undefined are left out; of a list each is sent. */
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
}

export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;
type QueryValue = string | number | boolean | Date;

const TIMEOUT_MS = 30_000;

export class DroverHttp {
  readonly token: string | undefined;
  readonly #baseUrl: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeoutMs: number;

  constructor(baseUrl: string, { token, fetch, timeoutMs = TIMEOUT_MS }: ClientOptions = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.token = token;
    // Browsers refuse a fetch that is called as a method of something else.
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#timeoutMs = timeoutMs;
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    const text = await this.text(path, { accept: 'application/json', ...call });
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      const message = `${this.url(path)} answered what is no JSON; is a Drover server there?`;
      throw new DroverApiError(message, { status: 200, kind: 'internal', cause });
    }
  }

  async text(path: string, call: Call = {}): Promise<string> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    try {
      const response = await this.open(path, { ...call, signal });
      return await response.text();
    } catch (thrown) {
      throw this.#explain(thrown, call.signal);
    }
  }

  /** Resolves when the answer begins; one that is a refusal is thrown. */
  async open(path: string, { method = 'GET', ...call }: Call): Promise<Response> {
    const response = await this.#fetch(this.url(path, call.query), {
      method,
      cache: 'no-store',
      headers: {
        accept: call.accept ?? '*/*',
        ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...(call.body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      ...(call.signal !== undefined && { signal: call.signal }),
    });
    if (!response.ok) throw await readRefusal(response);
    return response;
  }

  url(path: string, query: Query = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, given] of Object.entries(query)) {
      for (const value of [given ?? []].flat()) {
        parameters.append(name, value instanceof Date ? value.toISOString() : String(value));
      }
    }
    const text = parameters.toString();
    return `${this.#baseUrl}${path}${text === '' ? '' : `?${text}`}`;
  }

  #explain(thrown: unknown, callers: AbortSignal | undefined): DroverApiError {
    if (thrown instanceof DroverApiError) return thrown;
    const none = { status: 0, cause: thrown };
    if (callers?.aborted === true) {
      return new DroverApiError('the call was cancelled', { ...none, kind: 'cancelled' });
    }
    if (thrown instanceof Error && thrown.name === 'TimeoutError') {
      const message = `${this.#baseUrl} did not answer within ${this.#timeoutMs} ms`;
      return new DroverApiError(message, { ...none, kind: 'deadline_exceeded' });
    }
    const message = `cannot reach the server at ${this.#baseUrl}`;
    return new DroverApiError(message, { ...none, kind: 'unavailable' });
  }
}
