/**
 * Cuts a stream into pieces of the lengths that are asked for. A piece that lies within what came
 * in one go is a view of it, without a copy; one that does not is put together once. Either is to
 * be looked at before the next is asked for: what the stream gives may be used again by then.
 */
import { untilAborted } from '#kernel/abort.ts';
import { damagedImage } from '#disks/image-errors.ts';
import type { ByteStream } from '#disks/byte-source.ts';

const NOTHING = new Uint8Array(0);

export class ByteSplitter implements AsyncDisposable {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #signal: AbortSignal;
  #current: Uint8Array = NOTHING;
  #used = 0;
  #taken = 0;
  #isEnded = false;

  constructor(stream: ByteStream, signal: AbortSignal) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /** From here on this signal ends the waiting, beside the one of the beginning. */
  obey(signal: AbortSignal): void {
    if (signal !== this.#signal) this.#signal = AbortSignal.any([this.#signal, signal]);
  }

  /** How far into the stream the next piece begins. */
  get position(): number {
    return this.#taken;
  }

  /** The next piece if all of it is here already: most are, and cost no turn of the loop. */
  takeNow(length: number): Uint8Array | undefined {
    if (this.#current.byteLength - this.#used < length) return undefined;
    const piece = this.#current.subarray(this.#used, this.#used + length);
    this.#used += length;
    this.#taken += length;
    return piece;
  }

  /** The next piece; `what` is what will be missing if the stream ends before. */
  async take(length: number, what: string): Promise<Uint8Array> {
    const whole = this.takeNow(length);
    if (whole !== undefined) return whole;
    const piece = new Uint8Array(length);
    await this.takeInto(piece, what);
    return piece;
  }

  /** The next piece, as long as the memory it is put into. */
  async takeInto(target: Uint8Array, what: string): Promise<void> {
    for (let filled = 0; filled < target.byteLength;) {
      const part = await this.takeSome(target.byteLength - filled);
      if (part === undefined) {
        throw damagedImage(`the stream ends after ${this.#taken} bytes, in the middle of ${what}`);
      }
      target.set(part, filled);
      filled += part.byteLength;
    }
  }

  /** What is here of the next `most` bytes, at least one; undefined at the end of the stream. */
  async takeSome(most: number): Promise<Uint8Array | undefined> {
    if (await this.isAtEnd()) return undefined;
    return this.takeNow(Math.min(most, this.#current.byteLength - this.#used));
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#used === this.#current.byteLength) {
      if (!(await this.#pull())) return true;
    }
    return false;
  }

  async skip(length: number, what: string): Promise<void> {
    let left = length;
    while (left > 0) {
      const part = await this.takeSome(left);
      if (part === undefined) {
        throw damagedImage(`the stream ends after ${this.#taken} bytes, in the middle of ${what}`);
      }
      left -= part.byteLength;
    }
  }

  async #pull(): Promise<boolean> {
    if (this.#isEnded) return false;
    const next = await untilAborted(this.#iterator.next(), this.#signal);
    this.#isEnded = next.done === true;
    this.#current = next.done === true ? NOTHING : next.value;
    this.#used = 0;
    return !this.#isEnded;
  }

  /** Tells whoever sends that nothing more is wanted; does not wait for one that hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const closed = this.#iterator.return?.();
    // A read that was aborted may never end, and a generator closes only after it.
    if (this.#signal.aborted) closed?.catch(() => undefined);
    else await closed;
  }
}
