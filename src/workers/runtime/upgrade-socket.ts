/**
 * The bytes of an upgraded exchange as a socket. It is corked until the app has agreed to the
 * upgrade, so that it can still be answered in another way.
 */
import { Duplex } from 'node:stream';
import type { DroverError } from '#kernel/errors.ts';
import type { AnswerWriter, RequestHandler } from '#workers/exchange.ts';

type Callback = (error?: Error | null) => void;

export class UpgradeSocket extends Duplex implements RequestHandler {
  readonly #answer: AnswerWriter;
  /** Taken off the link and not yet read. */
  #unread = 0;
  #resume: Callback | undefined;
  #isOver = false;

  constructor(answer: AnswerWriter) {
    super({ allowHalfOpen: true });
    this.#answer = answer;
    this.cork();
  }

  /** Instead of all that was written while it was corked. */
  refuse(error: DroverError): void {
    if (!this.#isOver) this.#answer.fail(error);
    this.#isOver = true;
    this.destroy();
  }

  onData(bytes: Uint8Array): void {
    if (this.destroyed) {
      this.#answer.consume(bytes.length);
      return;
    }
    this.#unread += bytes.length;
    try {
      if (this.push(bytes)) this.#payUp();
    } catch (thrown) {
      // From a listener of the app: to the link it would look like a broken protocol.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  onEnd(): void {
    if (this.destroyed) return;
    // Whoever is on it can still say a word.
    this.emit('ending');
    this.push(null);
  }

  onAbort(): void {
    this.#isOver = true;
    this.destroy();
  }

  onDrain(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _read(): void {
    this.#payUp();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    if (this.#isOver || this.#answer.write(chunk)) done();
    else this.#resume = done;
  }

  override _final(done: Callback): void {
    this.#end();
    done();
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.onDrain();
    this.#end();
    done(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answer.end();
  }

  #payUp(): void {
    const byteCount = this.#unread;
    if (byteCount === 0) return;
    this.#unread = 0;
    this.#answer.consume(byteCount);
  }
}
