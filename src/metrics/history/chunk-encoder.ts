/**
 * The samples of one series over some time, compressed as they come.
 *
 *   chunk   = version, count, scale, columns, times, gaps, column…, CRC-32 of all before it
 *   times   = first instant, then runs of equal distances: (change of the distance, how often)
 *   gaps    = places of NaN, each as the distance from the one before
 *   column  = first value, then blocks as in block-codec.ts; a NaN stands as the value before it
 *
 * Ticks at equal distances are one run, however many there are.
 */
import { crc32 } from 'node:zlib';
import { BLOCK_VALUES, encodeBlock, encodeZeroBlocks, baseAfter } from './block-codec.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';

export const CHUNK_VERSION = 1;
/** So that what one decoded chunk takes is bounded, whatever its bytes say. */
export const MOST_CHUNK_SAMPLES = 65_536;

/** Numbers that follow each other, as blocks. */
class ColumnEncoder {
  readonly #blocks = new ByteWriter();
  /** Of the block that is filled at present; of no meaning while that is flat. */
  #open: Float64Array | undefined;
  #openCount = 0;
  /** Every value of the open block is `#base` so far: a series that rests needs no buffer. */
  #isFlat = true;
  #zeroBlocks = 0;
  #base = NaN;

  /** About what it takes in memory. */
  get sizeBytes(): number {
    return this.#blocks.length + (this.#open === undefined ? 0 : BLOCK_VALUES * 8);
  }

  /** Of that, what grows with the samples. */
  get closedBytes(): number {
    return this.#blocks.length;
  }

  push(value: number): void {
    if (Number.isNaN(this.#base)) {
      this.#base = baseAfter(value);
      this.#blocks.signed(this.#base);
    }
    if (this.#isFlat && value !== this.#base) {
      this.#open ??= new Float64Array(BLOCK_VALUES);
      this.#open.fill(this.#base, 0, this.#openCount);
      this.#isFlat = false;
    }
    if (!this.#isFlat && this.#open !== undefined) this.#open[this.#openCount] = value;
    this.#openCount += 1;
    if (this.#openCount === BLOCK_VALUES) this.#close();
  }

  /** Everything so far; more may follow. */
  write(out: ByteWriter): void {
    out.raw(this.#blocks.view());
    const zeroBlocks = this.#zeroBlocks + (this.#isFlat && this.#openCount > 0 ? 1 : 0);
    if (zeroBlocks > 0) encodeZeroBlocks(out, zeroBlocks);
    if (this.#isFlat || this.#open === undefined) return;
    encodeBlock(out, this.#open.subarray(0, this.#openCount), this.#base);
  }

  #close(): void {
    this.#openCount = 0;
    if (this.#isFlat || this.#open === undefined) {
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks > 0) encodeZeroBlocks(this.#blocks, this.#zeroBlocks);
    this.#zeroBlocks = 0;
    encodeBlock(this.#blocks, this.#open, this.#base);
    this.#base = baseAfter(this.#open[BLOCK_VALUES - 1] ?? 0);
    this.#isFlat = true;
  }
}

/** A chunk that is being made. Instants must grow; who cannot promise that, starts another. */
export class ChunkEncoder {
  readonly scale: number;
  readonly #columns: readonly ColumnEncoder[];
  /** Distance and repetitions in turn. */
  readonly #runs: number[] = [];
  readonly #gaps: number[] = [];
  #count = 0;
  #firstMs = NaN;
  #lastMs = NaN;
  /** What stands in the place of NaN. */
  #lastValue = 0;

  constructor(scale: number, columns = 1) {
    this.scale = scale;
    this.#columns = Array.from({ length: columns }, () => new ColumnEncoder());
  }

  get count(): number {
    return this.#count;
  }

  get firstMs(): number {
    return this.#firstMs;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  /** About what it takes in memory. */
  get sizeBytes(): number {
    let bytes = 256 + (this.#runs.length + this.#gaps.length) * 8;
    for (const column of this.#columns) bytes += column.sizeBytes;
    return bytes;
  }

  /** Of that, what grows with the samples: the rest is taken again by the chunk after this one. */
  get closedBytes(): number {
    let bytes = (this.#runs.length + this.#gaps.length) * 8;
    for (const column of this.#columns) bytes += column.closedBytes;
    return bytes;
  }

  /** Whether a sample of this instant may follow. */
  accepts(atMs: number): boolean {
    return this.#count === 0 || (atMs > this.#lastMs && this.#count < MOST_CHUNK_SAMPLES);
  }

  /** NaN says that the series ended here. */
  push(atMs: number, value: number): void {
    this.#pushTime(atMs);
    this.#columns[0]?.push(this.#orGap(value));
    this.#count += 1;
  }

  pushRow(atMs: number, row: readonly number[]): void {
    this.#pushTime(atMs);
    const isGap = Number.isNaN(row[0]);
    if (isGap) this.#gaps.push(this.#count);
    this.#columns.forEach((column, at) => column.push(isGap ? 0 : (row[at] ?? 0)));
    this.#count += 1;
  }

  /** Everything so far; more may follow. */
  toBytes(): Uint8Array {
    const out = new ByteWriter(256);
    out.u8(CHUNK_VERSION);
    out.varint(this.#count);
    out.u8(this.scale);
    out.u8(this.#columns.length);
    if (this.#count > 0) {
      this.#writeTimes(out);
      out.varint(this.#gaps.length);
      let before = 0;
      for (const place of this.#gaps) {
        out.varint(place - before);
        before = place;
      }
      for (const column of this.#columns) column.write(out);
    }
    out.u32(crc32(out.view()));
    return out.copy();
  }

  #orGap(value: number): number {
    if (Number.isNaN(value)) this.#gaps.push(this.#count);
    else this.#lastValue = value;
    return this.#lastValue;
  }

  #pushTime(atMs: number): void {
    if (this.#count === 0) {
      this.#firstMs = atMs;
    } else {
      const distance = atMs - this.#lastMs;
      const runs = this.#runs;
      if (runs.length > 0 && runs[runs.length - 2] === distance) {
        runs[runs.length - 1] = (runs[runs.length - 1] ?? 0) + 1;
      } else {
        runs.push(distance, 1);
      }
    }
    this.#lastMs = atMs;
  }

  #writeTimes(out: ByteWriter): void {
    out.varint(this.#firstMs);
    out.varint(this.#runs.length / 2);
    let before = 0;
    for (let at = 0; at < this.#runs.length; at += 2) {
      const distance = this.#runs[at] ?? 0;
      out.signed(distance - before);
      out.varint(this.#runs[at + 1] ?? 0);
      before = distance;
    }
  }
}
