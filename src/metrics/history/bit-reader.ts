/** Reads what BitWriter wrote. Past the end come zeros; `end` finds out and throws. */
import { damagedError } from './byte-reader.ts';

const HALF_BITS = 24;
const HALF = 2 ** HALF_BITS;
/** How many bits a word has at least from any bit of its first byte on. */
const SURE_BITS = 25;

export class BitReader {
  readonly #bytes: Uint8Array;
  /** In bits. */
  #at: number;

  constructor(bytes: Uint8Array, byteOffset: number) {
    this.#bytes = bytes;
    this.#at = byteOffset * 8;
  }

  /** `width` up to 53. */
  bits(width: number): number {
    if (width <= HALF_BITS) return this.#few(width);
    if (width <= 2 * HALF_BITS) {
      const high = this.#few(width - HALF_BITS);
      return high * HALF + this.#few(HALF_BITS);
    }
    const top = this.#few(width - 2 * HALF_BITS);
    const middle = this.#few(HALF_BITS);
    return (top * HALF + middle) * HALF + this.#few(HALF_BITS);
  }

  /** How many ones stand before the next zero, which is skipped; at `most` it stops without. */
  ones(most: number): number {
    const count = Math.clz32(~this.#peek());
    if (count >= most) {
      this.#at += most;
      return most;
    }
    this.#at += count + 1;
    return count;
  }

  /**
   * Rice coded numbers: `shift` up to 24, and what `most` ones announce is a width of six bits and
   * the plain number. One loop over local variables takes a third of the time of the calls above.
   */
  rice(numbers: Float64Array, shift: number, most: number): void {
    const bytes = this.#bytes;
    const { length } = bytes;
    let at = this.#at;
    for (let slot = 0; slot < numbers.length; slot += 1) {
      let byte = at >>> 3;
      if (byte + 8 > length) {
        this.#at = at;
        this.#riceAtEnd(numbers.subarray(slot), shift, most);
        return;
      }
      let word = wordAt(bytes, byte) << (at & 7);
      const ones = Math.clz32(~word);
      if (ones >= most) {
        this.#at = at + most;
        numbers[slot] = this.bits(this.#few(6));
        at = this.#at;
        continue;
      }
      at += ones + 1;
      if (shift === 0) {
        numbers[slot] = ones;
        continue;
      }
      if (ones + 1 + shift <= SURE_BITS) word <<= ones + 1;
      else {
        byte = at >>> 3;
        word = wordAt(bytes, byte) << (at & 7);
      }
      numbers[slot] = (ones << shift) | (word >>> (32 - shift));
      at += shift;
    }
    this.#at = at;
  }

  /** The byte after the last one that was read from. */
  end(): number {
    const byte = (this.#at + 7) >>> 3;
    if (byte > this.#bytes.length) throw damagedError('they end too early');
    return byte;
  }

  #riceAtEnd(numbers: Float64Array, shift: number, most: number): void {
    for (let slot = 0; slot < numbers.length; slot += 1) {
      const ones = this.ones(most);
      numbers[slot] = ones < most ? ones * 2 ** shift + this.bits(shift) : this.bits(this.#few(6));
    }
  }

  #few(width: number): number {
    if (width === 0) return 0;
    const value = this.#peek() >>> (32 - width);
    this.#at += width;
    return value;
  }

  /** The next 25 bits or more, at the top of 32. */
  #peek(): number {
    return wordAt(this.#bytes, this.#at >>> 3) << (this.#at & 7);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}
