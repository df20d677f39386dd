/** Bytes written one after the other into a buffer that grows. */

const FIRST_CAPACITY = 64;
const scratch = new DataView(new ArrayBuffer(8));

export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far; valid until more is written. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  u32(value: number): void {
    scratch.setUint32(0, value);
    this.#scratch(4);
  }

  float64(value: number): void {
    scratch.setFloat64(0, value);
    this.#scratch(8);
  }

  /** A whole number from 0 to 2^53, seven bits a byte, the lowest first. */
  varint(value: number): void {
    let rest = value;
    // Bit operations hold 31 bits; what is larger is brought down by division first.
    while (rest > 0x7fff_ffff) {
      this.u8((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.u8((rest & 127) | 128);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** A whole number from -2^53 to 2^53: the sign and six bits, then as `varint`. */
  signed(value: number): void {
    const size = Math.abs(value);
    const first = (value < 0 ? 64 : 0) | (size % 64);
    if (size < 64) {
      this.u8(first);
      return;
    }
    this.u8(first | 128);
    this.varint(Math.floor(size / 64));
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Text in UTF-8, its length before it. */
  text(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.varint(bytes.length);
    this.raw(bytes);
  }

  #scratch(bytes: number): void {
    if (this.#length + bytes > this.#bytes.length) this.#grow(bytes);
    for (let at = 0; at < bytes; at += 1) this.#bytes[this.#length + at] = scratch.getUint8(at);
    this.#length += bytes;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#length + bytes, this.#bytes.length * 2));
    grown.set(this.view());
    this.#bytes = grown;
  }
}
