/**
 * Memory that goes round: who reads a disk takes it for a chunk, and who needs the chunk no more
 * gives it back. To V8 each piece of fresh memory is a reason to collect garbage, and to the kernel
 * one to clear pages: together that would take as much of the processor as the copying itself.
 */

export interface LentBuffersOptions {
  /** How long each piece of memory is, of which less may be lent. */
  readonly bufferBytes: number;
  /** So that other threads can work on it. */
  readonly isShared: boolean;
}

export class LentBuffers {
  readonly #bufferBytes: number;
  readonly #isShared: boolean;
  readonly #spare: ArrayBufferLike[] = [];
  /** How much of each has not come back. */
  readonly #lent = new WeakMap<ArrayBufferLike, number>();

  constructor({ bufferBytes, isShared }: LentBuffersOptions) {
    this.#bufferBytes = bufferBytes;
    this.#isShared = isShared;
  }

  /** It holds whatever was there before. What is longer than a piece is not lent, but made. */
  take(length: number): Uint8Array {
    if (length > this.#bufferBytes) return Buffer.allocUnsafeSlow(length);
    const buffer = this.#spare.pop() ?? this.#create();
    this.#lent.set(buffer, length);
    return new Uint8Array(buffer, 0, length);
  }

  /**
   * Nobody may look at it from here on. What was lent may come back in parts, each part once; it
   * is lent again when all has. What was not lent is left alone.
   */
  giveBack({ buffer, byteLength }: Uint8Array): void {
    const lent = this.#lent.get(buffer);
    if (lent === undefined) return;
    if (byteLength < lent) {
      this.#lent.set(buffer, lent - byteLength);
      return;
    }
    this.#lent.delete(buffer);
    this.#spare.push(buffer);
  }

  #create(): ArrayBufferLike {
    if (this.#isShared) return new SharedArrayBuffer(this.#bufferBytes);
    return Buffer.allocUnsafeSlow(this.#bufferBytes).buffer;
  }
}
