/**
 * The `Request` that an app is given. Node's costs some twenty microseconds with a signal and a
 * body, and most apps look at its method and URL alone; so everything else of this one is made when
 * it is first touched. What it does not do itself, Node's own request does that is then made of it.
 */
import type { ReadableStream } from 'node:stream/web';
import type { FlatHeaders } from '#workers/exchange.ts';

export interface RequestParts {
  readonly method: string;
  /** As URLs are written out in full. */
  readonly url: string;
  readonly headers: FlatHeaders;
  /** All of it, or what opens it as a stream; undefined when there is none. */
  readonly body: Uint8Array | (() => ReadableStream<Uint8Array>) | undefined;
}

type NativeRequestInit = ConstructorParameters<typeof Request>[1];

const NativeRequest = Request;
const NO_BYTES = new Uint8Array(0);
const decoder = new TextDecoder();

/** What apps find as `Request`: it knows the requests that they are given. */
export class AppRequest extends NativeRequest {
  static {
    Object.defineProperty(this, 'name', { value: 'Request' });
  }

  /** What Node itself makes, by `clone` for instance, is a request as well. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === AppRequest) return value instanceof NativeRequest;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }

  constructor(input: string | URL | Request, init?: NativeRequestInit) {
    super(nativeRequest(input), init);
  }
}

/** Node's own of a request that an app was given; anything else as it is. */
export function nativeRequest(input: string | URL | Request): string | URL | Request {
  return typeof input === 'object' ? IncomingRequest.unfold(input) : input;
}

/** What it does not write out is taken from Node's request, name by name. */
export class IncomingRequest {
  readonly #parts: RequestParts;
  #headers: Headers | undefined;
  #controller: AbortController | undefined;
  #native: Request | undefined;
  #isAborted = false;
  #isUsed = false;

  static {
    const own = this.prototype;
    for (const name of Object.getOwnPropertyNames(NativeRequest.prototype)) {
      if (Object.hasOwn(own, name)) continue;
      const get = function get(this: IncomingRequest): unknown {
        const native = this.#unfold();
        const value: unknown = Reflect.get(native, name);
        return typeof value === 'function' ? value.bind(native) : value;
      };
      Object.defineProperty(own, name, { get, enumerable: true, configurable: true });
    }
    Reflect.deleteProperty(own, 'constructor');
    Object.setPrototypeOf(own, AppRequest.prototype);
  }

  private constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  static create(parts: RequestParts): Request {
    const request: object = new IncomingRequest(parts);
    if (request instanceof NativeRequest) return request;
    throw new TypeError('a request of ours is no Request');
  }

  static unfold(input: URL | Request): URL | Request {
    return #parts in input ? input.#unfold() : input;
  }

  /** Tells the app, if it has asked for the signal or will, that nobody waits for its answer. */
  static abort(request: Request): void {
    if (!(#parts in request)) return;
    request.#isAborted = true;
    request.#controller?.abort();
  }

  get method(): string {
    return this.#parts.method;
  }

  get url(): string {
    return this.#parts.url;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      const { headers } = this.#parts;
      this.#headers = new Headers();
      for (let at = 0; at + 1 < headers.length; at += 2) {
        this.#headers.append(headers[at] ?? '', headers[at + 1] ?? '');
      }
    }
    return this.#headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get body(): Request['body'] {
    return this.#parts.body === undefined ? null : this.#unfold().body;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || this.#native?.bodyUsed === true;
  }

  text(): Promise<string> {
    const bytes = this.#takeWhole();
    return bytes === undefined
      ? this.#unfold().text()
      : Promise.resolve(bytes.length === 0 ? '' : decoder.decode(bytes));
  }

  async json(): Promise<unknown> {
    const bytes = this.#takeWhole();
    return bytes === undefined ? this.#unfold().json() : JSON.parse(decoder.decode(bytes));
  }

  /** A copy: the bytes lie in a buffer with those of others. */
  bytes(): Promise<Uint8Array> {
    const bytes = this.#takeWhole();
    return bytes === undefined ? this.#unfold().bytes() : Promise.resolve(new Uint8Array(bytes));
  }

  clone(): Request {
    return this.#unfold().clone();
  }

  /** Undefined when the body is no longer, or never was, there as a whole. */
  #takeWhole(): Uint8Array | undefined {
    const { body } = this.#parts;
    if (body === undefined) return NO_BYTES;
    if (typeof body === 'function' || this.#native !== undefined || this.#isUsed) return undefined;
    this.#isUsed = true;
    return body;
  }

  #unfold(): Request {
    if (this.#native === undefined) {
      this.#native = this.#createNative();
    } else {
      // The app may have changed the headers that it was given since.
      const { headers } = this.#native;
      for (const name of [...headers.keys()]) headers.delete(name);
      for (const [name, value] of this.headers) headers.append(name, value);
    }
    return this.#native;
  }

  #createNative(): Request {
    const { method, url, body } = this.#parts;
    const { headers, signal } = this;
    const init = { method, headers, signal };
    if (body === undefined) return new NativeRequest(url, init);
    const content = typeof body === 'function' ? body() : body;
    const native = new NativeRequest(url, { ...init, body: content, duplex: 'half' });
    // Read before, as a whole: whoever looks now finds a body that is used up.
    if (this.#isUsed) void native.body?.cancel();
    return native;
  }
}
