/**
 * The `Response` that apps see. Node's makes a stream of every body, which costs more than all else
 * that a small answer takes. This one keeps text and bytes as they came; when somebody asks for
 * them in another way than being sent, Node's own is made of them and does the rest.
 */

type Body = ConstructorParameters<typeof Response>[0] | null;
type Held = string | Uint8Array;

const NativeResponse = Response;
const NULL_BODY_STATUSES = [204, 205, 304];

export class AppResponse extends NativeResponse {
  /** Undefined for a body that Node holds, none included. */
  #held: Held | undefined;
  #native: Response | undefined;
  #isTaken = false;

  static {
    const native = NativeResponse.prototype;
    Object.defineProperty(this, 'name', { value: 'Response' });
    for (const name of ['body', 'bodyUsed'] as const) {
      const get = function get(this: AppResponse): unknown {
        return this.#held === undefined ? Reflect.get(native, name, this) : this.#unfold()[name];
      };
      Object.defineProperty(this.prototype, name, { get, enumerable: true, configurable: true });
    }
    for (const name of Object.getOwnPropertyNames(native)) {
      const { value: method } = Object.getOwnPropertyDescriptor(native, name) ?? {};
      if (typeof method !== 'function' || name === 'constructor' || name === 'clone') continue;
      const call = function call(this: AppResponse, ...args: unknown[]): unknown {
        return Reflect.apply(method, this.#held === undefined ? this : this.#unfold(), args);
      };
      const described = { value: call, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(this.prototype, name, described);
    }
  }

  /** What Node itself makes, in `Response.redirect` for instance, is a response as well. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === AppResponse) return value instanceof NativeResponse;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }

  static override json(data: unknown, init?: ResponseInit): AppResponse {
    const text: string | undefined = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const response = new AppResponse(null, init);
    response.#hold(text, 'application/json');
    return response;
  }

  constructor(body: Body = null, init?: ResponseInit) {
    const held = heldFrom(body);
    super(held === undefined ? body : null, init);
    if (typeof held === 'string') this.#hold(held, 'text/plain;charset=UTF-8');
    else if (held !== undefined) this.#hold(held, undefined);
  }

  /** The body as it came, once; undefined when it has to be read as a stream, or there is none. */
  static take(response: object): Held | undefined {
    if (!(#held in response) || response.#native !== undefined || response.#isTaken) {
      return undefined;
    }
    response.#isTaken = true;
    return response.#held;
  }

  override clone(): Response {
    return this.#held === undefined
      ? super.clone()
      : new AppResponse(this.#unfold().clone().body, this);
  }

  #hold(held: Held, type: string | undefined): void {
    if (NULL_BODY_STATUSES.includes(this.status)) {
      throw new TypeError(`Response constructor: Invalid response status code ${this.status}`);
    }
    this.#held = held;
    const { headers } = this;
    if (type !== undefined && !headers.has('content-type')) headers.set('content-type', type);
  }

  #unfold(): Response {
    if (this.#native === undefined) {
      this.#native = new NativeResponse(this.#held, { headers: this.headers });
      // It was sent: whoever looks now finds a body that is used up.
      if (this.#isTaken) void this.#native.body?.cancel();
    }
    return this.#native;
  }
}

/** Bytes are copied, as Node does: they are the app's, and it may go on writing to them. */
function heldFrom(body: unknown): Held | undefined {
  if (typeof body === 'string') return body;
  const isBytes = body instanceof Uint8Array && body.buffer instanceof ArrayBuffer;
  return isBytes ? new Uint8Array(body) : undefined;
}
