/**
 * A WebSocket of an app: bytes of a caller's connection on one side, an exchange on the other, and
 * nothing in between that knows the protocol.
 *
 *   opening ── `HTTP/1.1 101` from the app ──▶ open ── both sides ended, or one broke ──▶ closed
 *      └── anything else: refused and closed
 *
 * What always holds: until the app has agreed to the upgrade nothing of it reaches the connection.
 * Otherwise it could answer as HTTP and be handed the next request of a proxy in front of us, which
 * may be another caller's. And neither side is read faster than the other takes.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { BegunExchange } from '#surfaces/apps/serving/begun-exchange.ts';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import type { AnswerHandler, Exchange, ResponseHead } from '#workers/exchange.ts';

/** When the app has ended the caller has so long to do so too, and at a drain both. */
const CLOSE_MS = 5 * SECOND_MS;
/** When the caller has ended the app may still have something to say. */
const HALF_CLOSED_MS = 30 * SECOND_MS;
const AGREEMENT = Buffer.from('HTTP/1.1 101 ');

export interface AppSocketOptions {
  readonly socket: Socket;
  /** What the caller sent right behind its request. */
  readonly start: Buffer;
  readonly clock: Clock;
}

export class AppSocket implements AnswerHandler {
  readonly #socket: Socket;
  readonly #options: AppSocketOptions;
  /** Settles when the app has agreed, or rejects with what to answer. */
  readonly #opened = Promise.withResolvers<void>();
  readonly #answer = new BegunExchange();
  #exchange: Exchange | undefined;
  /** What came of the app until it is known whether that is an agreement. */
  #early: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #isOver = false;
  /** The app was told that no more comes. */
  #isEnded = false;
  #pending = 0;

  constructor(options: AppSocketOptions) {
    this.#options = options;
    this.#socket = options.socket;
  }

  /** Resolves when it is open; from then on it looks after itself. */
  async begin(fetch: (handler: AnswerHandler) => Exchange): Promise<void> {
    const socket = this.#socket;
    socket.once('close', () => this.#leave());
    const exchange = fetch(this);
    this.#exchange = exchange;
    this.#answer.set(exchange);
    if (!this.#isOver) {
      const { start } = this.#options;
      if (start.length > 0) exchange.write(start);
      socket.on('data', (bytes: Buffer) => {
        if (!this.#isOver && !this.#isEnded && !exchange.write(bytes)) socket.pause();
      });
      socket.once('end', () => {
        this.#end();
        this.#closeWithin(HALF_CLOSED_MS);
      });
    }
    await this.#opened.promise;
  }

  /** The server is going down: the app is told that no more will come, and has a moment to end. */
  drain(): void {
    if (this.#isOver) return;
    this.#end();
    this.#closeWithin(CLOSE_MS);
  }

  /** It answered as if no upgrade had been asked for. */
  onHead({ status }: ResponseHead): void {
    this.#answer.abort();
    this.#fail(refusedWith(status));
  }

  onData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isOpen) {
      this.#write(bytes);
      return;
    }
    this.#early = Buffer.concat([this.#early, bytes]);
    if (this.#early.length < AGREEMENT.length) return;
    if (!this.#early.subarray(0, AGREEMENT.length).equals(AGREEMENT)) {
      const status = /^HTTP\/1\.1 (\d{3}) $/.exec(
        this.#early.toString('latin1', 0, AGREEMENT.length),
      );
      this.#answer.abort();
      this.#fail(refusedWith(Number(status?.[1] ?? 0)));
      return;
    }
    this.#isOpen = true;
    this.#opened.resolve();
    this.#write(this.#early);
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (!this.#isOpen) {
      this.#fail(refusedWith(0));
      return;
    }
    this.#isOver = true;
    this.#socket.end();
    this.#socket.resume();
    this.#closeWithin(CLOSE_MS);
  }

  onFail(error: DroverError): void {
    this.#fail(error);
  }

  onDrain(): void {
    this.#socket.resume();
  }

  #end(): void {
    if (this.#isOver || this.#isEnded) return;
    this.#isEnded = true;
    this.#exchange?.end();
  }

  #write(bytes: Uint8Array): void {
    const isTaken = this.#socket.write(bytes);
    if (isTaken && this.#pending === 0) {
      this.#answer.consume(bytes.length);
      return;
    }
    if (this.#pending === 0) {
      this.#socket.once('drain', () => {
        const byteCount = this.#pending;
        this.#pending = 0;
        if (!this.#isOver) this.#answer.consume(byteCount);
      });
    }
    this.#pending += bytes.length;
  }

  #fail(error: DroverError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#opened.reject(error);
    if (this.#isOpen) this.#socket.destroy();
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#opened.reject(new DroverError('cancelled', 'the caller has gone'));
    this.#answer.abort();
  }

  #closeWithin(ms: number): void {
    const timer = this.#options.clock.after(ms, () => this.#socket.destroy());
    this.#socket.once('close', () => timer.cancel());
  }
}

/** Of its answer only the status is passed on: the caller wanted no page. */
function refusedWith(status: number): DroverError {
  const isRefusal = status >= 400 && status <= 599;
  const why = isRefusal ? `: it answers ${status}` : '';
  const message = `the app does not go on as a WebSocket${why}`;
  return new HttpRefusal(isRefusal ? status : 502, message, 'UPGRADE_REFUSED');
}
