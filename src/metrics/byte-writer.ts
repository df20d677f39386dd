/** Bytes written one after the other into a buffer that grows. */

const FIRST_CAPACITY = 64;
const scratch = new DataView(new ArrayBuffer(8));

export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.#bytes = Buffer.alloc(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far; valid until more is written. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  copy(): Uint8Array {
    return Uint8Array.from(this.view());
  }

  clear(): void {
    this.#length = 0;
  }

  /** Space to be filled in later; answers where it is. */
  skip(bytes: number): number {
    if (this.#length + bytes > this.#bytes.length) this.#grow(bytes);
    this.#length += bytes;
    return this.#length - bytes;
  }

  setUint32Le(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at);
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

  float64Le(value: number): void {
    // First, since the buffer may be another one after it.
    const at = this.skip(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  /** Both halves of eight bytes: a NaN has more than one form, and a number keeps only one. */
  uint64Le(low: number, high: number): void {
    const at = this.skip(8);
    this.#bytes.writeUInt32LE(low, at);
    this.#bytes.writeUInt32LE(high, at + 4);
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
    const grown = Buffer.alloc(Math.max(this.#length + bytes, this.#bytes.length * 2));
    grown.set(this.view());
    this.#bytes = grown;
  }
}

/** How long `varint` writes it. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
