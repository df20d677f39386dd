/** Bytes written one after the other into a buffer that grows, and read back within bounds. */

const FIRST_BYTES = 4096;
const MOST_VARINT_BYTES = 8;
const TWO_POW_31 = 2 ** 31;

export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** What was written, in place: true until something more is written. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Space to be filled in later; answers where it is. */
  skip(bytes: number): number {
    this.#reserve(bytes);
    this.#length += bytes;
    return this.#length - bytes;
  }

  setUint32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Seven bits a byte, the lowest first: whole numbers from 0 to 2^53. */
  varint(value: number): void {
    this.#reserve(MOST_VARINT_BYTES);
    let rest = value;
    // Bit operations are right up to 2^31 only.
    while (rest >= TWO_POW_31) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** Both halves of eight bytes: a NaN has more than one form, and a number keeps only one. */
  uint64(low: number, high: number): void {
    this.#reserve(8);
    this.#buffer.writeUInt32LE(low, this.#length);
    this.#buffer.writeUInt32LE(high, this.#length + 4);
    this.#length += 8;
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#buffer.set(source, this.#length);
    this.#length += source.length;
  }

  /** Its length in bytes, then its UTF-8. */
  text(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(text, this.#length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Reads what ByteWriter wrote. Throws a RangeError where that cannot have been it. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError('the record ends too early');
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let weight = 1;
    for (let count = 0; count < MOST_VARINT_BYTES; count += 1) {
      const byte = this.byte();
      value += (byte & 127) * weight;
      if (byte < 128) return value;
      weight *= 128;
    }
    throw new RangeError('the record holds a number that is too long');
  }

  float64(): number {
    if (this.#at + 8 > this.#bytes.length) throw new RangeError('the record ends too early');
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  text(): string {
    const end = this.varint() + this.#at;
    if (end > this.#bytes.length) throw new RangeError('the record ends too early');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }
}
