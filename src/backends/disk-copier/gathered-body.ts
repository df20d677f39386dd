/**
 * Gathers the body of an answer into longer pieces. One is given out while the next are filled;
 * when they are full as well, the answer is paused. A piece is filled anew when its reader has
 * asked for another, so that a few of them are enough for a body of any length.
 */
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';

const PIECE_BYTES = 256 * 1024;
const READY_PIECES = 4;

export class GatheredBody implements Disposable {
  readonly #answer: IncomingMessage;
  readonly #onData = (data: Buffer) => this.#add(data);
  #filling: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #filled = 0;
  /** As long as its reader looks at it. */
  #given: Buffer | undefined;
  readonly #spare: Buffer[] = [];
  /** Full, or the last. */
  readonly #ready: { readonly memory: Buffer; readonly bytes: number }[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    // Its listeners stay: what goes wrong after the last piece was taken concerns nobody.
    finished(answer, { writable: false }, (error) => this.#end(error));
    answer.on('data', this.#onData);
  }

  /** Undefined at the end. One call at a time, which ends the use of what the last one gave. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#given !== undefined) this.#spare.push(this.#given);
    this.#given = undefined;
    for (;;) {
      const piece = this.#ready.shift();
      if (piece !== undefined) {
        this.#given = piece.memory;
        this.#answer.resume();
        return piece.memory.subarray(0, piece.bytes);
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
    if (this.#ready.length >= READY_PIECES) this.#answer.pause();
  }

  #hand(): void {
    this.#ready.push({ memory: this.#filling, bytes: this.#filled });
    this.#filling = this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
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
