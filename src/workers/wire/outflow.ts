/**
 * The sending half of a body under credit. A frame is charged for at least `LEAST_CHARGE` bytes,
 * so that a window full of single bytes cannot cost the receiver a hundred times its size in
 * objects. What exceeds the credit waits here, by reference, and the writer is told to wait too.
 */
import type { Link } from './frames.ts';

/** What may be under way in one direction of one exchange. */
export const WINDOW_BYTES = 256 * 1024;
export const LEAST_CHARGE = 256;
/** Longer pieces are cut, so that a long body does not hold up the other exchanges of a link. */
const MOST_DATA_BYTES = 64 * 1024;

export class Outflow {
  readonly #link: Link;
  readonly #id: number;
  readonly #waiting: Uint8Array[] = [];
  #credit = WINDOW_BYTES;
  #isEnding = false;
  #mustWait = false;

  constructor(link: Link, id: number) {
    this.#link = link;
    this.#id = id;
  }

  /** Everything was sent, the end as well. */
  get isDone(): boolean {
    return this.#isEnding && this.#waiting.length === 0;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** False: wait for `grant` to say that the writer may go on. */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnding) return true;
    if (bytes.length > 0) {
      const left = this.#waiting.length === 0 ? this.#send(bytes) : bytes;
      if (left !== undefined) this.#waiting.push(left);
    }
    this.#mustWait = this.#waiting.length > 0 || this.#credit < LEAST_CHARGE;
    return !this.#mustWait;
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#waiting.length === 0) this.#link.send({ type: 'end', id: this.#id });
  }

  /** The other side dealt with so much. True: the writer, who had to wait, may go on. */
  grant(byteCount: number): boolean {
    this.#credit += byteCount;
    if (byteCount === 0 || this.#credit > WINDOW_BYTES) {
      throw new Error('wire: credit was granted for bytes that were not sent');
    }
    if (this.#waiting.length > 0) this.#sendWaiting();
    if (!this.#mustWait || this.#isEnding) return false;
    this.#mustWait = this.#waiting.length > 0 || this.#credit < LEAST_CHARGE;
    return !this.#mustWait;
  }

  #sendWaiting(): void {
    let sent = 0;
    for (const bytes of this.#waiting) {
      const left = this.#send(bytes);
      if (left !== undefined) {
        this.#waiting[sent] = left;
        break;
      }
      sent += 1;
    }
    this.#waiting.splice(0, sent);
    if (this.isDone) this.#link.send({ type: 'end', id: this.#id });
  }

  /** Answers with what the credit did not suffice for. */
  #send(bytes: Uint8Array): Uint8Array | undefined {
    let left = bytes;
    while (this.#credit >= LEAST_CHARGE) {
      const most = Math.min(this.#credit, MOST_DATA_BYTES);
      const piece = left.length <= most ? left : left.subarray(0, most);
      this.#credit -= Math.max(piece.length, LEAST_CHARGE);
      this.#link.send({ type: 'data', id: this.#id, bytes: piece });
      if (piece === left) return undefined;
      left = left.subarray(piece.length);
    }
    return left;
  }
}
