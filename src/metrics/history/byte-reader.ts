/** Reads what ByteWriter wrote, from bytes that may be damaged: it throws and never reads past. */
import { DroverError } from '#kernel/errors.ts';

const MOST_VARINT_BYTES = 8;

export function damagedError(what: string, context: Readonly<Record<string, unknown>> = {}) {
  return new DroverError('data_loss', `stored samples are damaged: ${what}`, {
    reason: 'SAMPLES_DAMAGED',
    context,
  });
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw damagedError('they end too early');
    this.#at += 1;
    return value;
  }

  u32(): number {
    return this.#view(4).getUint32(0);
  }

  float64(): number {
    return this.#view(8).getFloat64(0);
  }

  varint(): number {
    let value = 0;
    let weight = 1;
    for (let count = 0; count < MOST_VARINT_BYTES; count += 1) {
      const byte = this.u8();
      value += (byte & 127) * weight;
      if (byte < 128) return this.#whole(value);
      weight *= 128;
    }
    throw damagedError('a number is too long');
  }

  /** A varint that says how many of something follow: never more than `most`. */
  count(most: number, what: string): number {
    const value = this.varint();
    if (value > most) throw damagedError(`${value} ${what} where ${most} are the most`);
    return value;
  }

  signed(): number {
    const first = this.u8();
    const rest = first >= 128 ? this.varint() : 0;
    const size = this.#whole((first & 63) + rest * 64);
    return (first & 64) !== 0 && size !== 0 ? -size : size;
  }

  take(length: number): Uint8Array {
    if (length > this.remaining) throw damagedError('they end too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return Buffer.from(this.take(this.varint())).toString('utf8');
  }

  #whole(value: number): number {
    if (value > 2 ** 53) throw damagedError('a number is too large');
    return value;
  }

  #view(length: number): DataView {
    const part = this.take(length);
    return new DataView(part.buffer, part.byteOffset, length);
  }
}
