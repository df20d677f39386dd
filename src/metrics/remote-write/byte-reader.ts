/**
 * Reads what ByteWriter wrote into the queue. Throws a RangeError where that cannot have been it:
 * whoever reads the queue gives up the segment then.
 */

const MOST_VARINT_BYTES = 8;

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
