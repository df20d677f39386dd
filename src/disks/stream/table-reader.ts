/** Reads tables of an image in small pieces, and the file below in longer ones. */
import type { RangeSource } from '#disks/byte-source.ts';
import { damagedImage } from '#disks/image-errors.ts';

const AHEAD_BYTES = 256 * 1024;

export class TableReader {
  readonly #source: RangeSource;
  readonly #signal: AbortSignal;
  #hole = { start: 0, end: 0 };
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(source: RangeSource, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /** Whether nothing there was ever written: some writers make room for all tables at once. */
  async isHole(offset: number, length: number): Promise<boolean> {
    const end = offset + length;
    if (offset < this.#hole.start || end > this.#hole.end) {
      const next = await this.#source.nextData(offset, this.#signal);
      this.#hole = { start: offset, end: next?.offset ?? this.#source.sizeBytes };
    }
    return end <= this.#hole.end;
  }

  /** Valid until the next call. */
  async read(offset: number, length: number): Promise<DataView> {
    const end = offset + length;
    if (end > this.#source.sizeBytes)
      throw damagedImage('a table reaches past the end of the file');
    if (offset < this.#start || end > this.#start + this.#bytes.byteLength) {
      const ahead = Math.min(Math.max(AHEAD_BYTES, length), this.#source.sizeBytes - offset);
      this.#bytes = await this.#source.read(offset, ahead, this.#signal);
      this.#start = offset;
    }
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + offset - this.#start, length);
  }
}
