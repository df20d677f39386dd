/**
 * One request and its answer, between whoever asks and whoever answers, whatever lies between: a
 * socket to a process, a port to a thread, or (to come) a vsock to a machine. Callbacks and flat
 * header lists, since this is paid for every request.
 *
 *   asker    begin(head, body?) ── write* ── end ────────────▶
 *   answerer          ◀──── onHead ── onData* ── onEnd | onFail
 *
 * Both directions flow under credit: `write` answers false when the other side has more than a
 * window unread, and `onDrain` says when to go on. Whoever receives bytes calls `consume` once they
 * are dealt with, which is what lets more come. After `onEnd`, `onFail` or `abort` nothing follows.
 */
import type { DroverError } from '#kernel/errors.ts';

/** name, value, name, value… in the order they came; a name may repeat, as Set-Cookie does. */
export type FlatHeaders = readonly string[];

export interface RequestHead {
  readonly method: string;
  /** Absolute, as the app is to see it: the part under which the app is served is taken off. */
  readonly url: string;
  readonly headers: FlatHeaders;
  /** Whether bytes follow by `write`. */
  readonly hasBody: boolean;
  /**
   * Set for an upgrade to WebSocket. There is no answer head then: bytes go both ways as they are
   * on the socket, the first from the answerer being its `HTTP/1.1 101`.
   */
  readonly isUpgrade?: true;
  /** Who asks, as the platform knows them; undefined on what is open to all. */
  readonly caller?: Caller;
}

export interface Caller {
  readonly kind: 'customer' | 'operator' | 'platform';
  /** Of a customer: the id. Of an operator: the name. Of the platform: `cron` or `event`. */
  readonly id: string;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: FlatHeaders;
}

/** What the asker is told. */
export interface AnswerHandler {
  /** With the whole body when it came along; then `onEnd` follows at once and `onData` never. */
  onHead(head: ResponseHead, body: Uint8Array | undefined): void;
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  /** The answer will not come, or not whole. */
  onFail(error: DroverError): void;
  /** `write` may go on. */
  onDrain(): void;
}

/** What the asker holds. */
export interface Exchange {
  /** False: wait for `onDrain`. Bytes given are taken either way; they must not change after. */
  write(bytes: Uint8Array): boolean;
  end(): void;
  /** So many received bytes are dealt with. */
  consume(byteCount: number): void;
  /** The asker is no longer interested. */
  abort(): void;
}

/** What the answerer holds. */
export interface AnswerWriter {
  /** Once. With a body that is the whole answer; nothing may follow then. */
  head(head: ResponseHead, body?: Uint8Array): void;
  /** Of an upgrade, without a head before. False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  end(): void;
  fail(error: DroverError): void;
  /** So many bytes of the request are dealt with. */
  consume(byteCount: number): void;
}

/** What the answerer is told. */
export interface RequestHandler {
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  /** The asker is gone, or the link is: the answer is nobody's. */
  onAbort(): void;
  onDrain(): void;
}

/** Takes a request on. `body` is the whole of it when it came along; then nothing is told after. */
export type Answerer = (
  head: RequestHead,
  body: Uint8Array | undefined,
  answer: AnswerWriter,
) => RequestHandler;
