/**
 * Memory that goes round: who reads a disk takes it for a chunk, and who has looked at the chunk
 * gives it back. To V8 each piece of fresh memory is a reason to collect garbage, which would take
 * more of the processor than reading a disk back.
 */
import { MIB } from '#kernel/units.ts';

/** The longest that a chunk may be. */
const BUFFER_BYTES = MIB;

export class LentBuffers {
  readonly #spare: ArrayBufferLike[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Undefined for what is longer than a chunk. */
  take(length: number): Uint8Array | undefined {
    if (length > BUFFER_BYTES) return undefined;
    const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES).buffer;
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, length);
  }

  /** Nobody may look at the chunk from here on. What was not lent is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (this.#lent.delete(buffer)) this.#spare.push(buffer);
  }
}
