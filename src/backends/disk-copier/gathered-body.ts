/**
 * Gathers the body of an answer into longer pieces. One is given out while the next is filled;
 * when that is full as well, the answer is paused.
 */
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';

const PIECE_BYTES = 256 * 1024;

export class GatheredBody implements Disposable {
  readonly #answer: IncomingMessage;
  readonly #onData = (data: Buffer) => this.#add(data);
  #filling = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #filled = 0;
  /** Full, or the last. */
  readonly #ready: Uint8Array[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    // Its listeners stay: what goes wrong after the last piece was taken concerns nobody.
    finished(answer, { writable: false }, (error) => this.#end(error));
    answer.on('data', this.#onData);
  }

  /** Undefined at the end. One call at a time. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = this.#ready.shift();
      if (piece !== undefined) {
        this.#answer.resume();
        return piece;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.#answer.off('data', this.#onData);
  }

  #add(data: Buffer): void {
    for (let at = 0; at < data.byteLength;) {
      const taken = data.copy(this.#filling, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled === PIECE_BYTES) this.#hand();
    }
    if (this.#ready.length > 0) this.#answer.pause();
  }

  #hand(): void {
    this.#ready.push(this.#filling.subarray(0, this.#filled));
    this.#filling = Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#filled = 0;
    this.#wake?.();
  }

  #end(error: Error | null | undefined): void {
    if (this.#filled > 0) this.#hand();
    this.#failure = error ?? undefined;
    this.#isEnded = true;
    this.#wake?.();
  }
}
