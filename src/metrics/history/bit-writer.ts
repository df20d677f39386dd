/** Bits written one after the other, the highest of each byte first. */
import type { ByteWriter } from '#metrics/byte-writer.ts';

const HALF_BITS = 24;
const HALF = 2 ** HALF_BITS;

export class BitWriter {
  readonly #out: ByteWriter;
  #pending = 0;
  #pendingBits = 0;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** The lowest `width` bits of a whole number; `width` up to 53. */
  bits(value: number, width: number): void {
    if (width <= HALF_BITS) {
      this.#few(value, width);
      return;
    }
    const high = Math.floor(value / HALF);
    if (width > 2 * HALF_BITS) {
      this.#few(Math.floor(high / HALF), width - 2 * HALF_BITS);
      this.#few(high % HALF, HALF_BITS);
    } else {
      this.#few(high, width - HALF_BITS);
    }
    this.#few(value % HALF, HALF_BITS);
  }

  /** So many ones; up to 24. */
  ones(count: number): void {
    this.#few(2 ** count - 1, count);
  }

  /** Fills the last byte with zeros. */
  end(): void {
    if (this.#pendingBits > 0) this.#out.u8((this.#pending << (8 - this.#pendingBits)) & 255);
    this.#pending = 0;
    this.#pendingBits = 0;
  }

  #few(value: number, width: number): void {
    // Fewer than eight are pending, so that all of it stays within 32 bits.
    let pending = ((this.#pending << width) | value) >>> 0;
    let bits = this.#pendingBits + width;
    while (bits >= 8) {
      bits -= 8;
      this.#out.u8((pending >>> bits) & 255);
    }
    pending &= (1 << bits) - 1;
    this.#pending = pending;
    this.#pendingBits = bits;
  }
}
