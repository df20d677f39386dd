/**
 * Proves that nothing of a stream is missing, and that each grain is for the place on the disk
 * that it says. The tables say where in the stream the grains are, the directory where the tables
 * are. For a disk of many TiB that is too much to be kept until both can be compared, so each
 * side is added up to one number: for each grain, which table and which entry of it, and where.
 */
import { damagedImage } from '#disks/image-errors.ts';
import { isZero } from '#disks/zero-detect.ts';

const ENTRY_BYTES = 4;

export class StreamTally {
  readonly #tableEntries: number;
  /** By their place in the stream, what their entries add up to. */
  readonly #tables = new Map<number, number>();
  #grains = 0;
  #grainSum = 0;
  #entries = 0;
  #entrySum = 0;

  constructor(tableEntries: number) {
    this.#tableEntries = tableEntries;
  }

  addGrain(grain: number, sector: number): void {
    const table = Math.floor(grain / this.#tableEntries);
    this.#grains += 1;
    this.#grainSum += weigh(table, mix(grain % this.#tableEntries, sector));
    this.#grainSum |= 0;
  }

  /** A table that is to be named by the directory, after it. */
  addTable(sector: number, bytes: Uint8Array): void {
    this.#tables.set(sector, this.#sumTable(bytes));
  }

  /** A table of which it is known already that it is the directory's entry `index`. */
  addTableOf(index: number, bytes: Uint8Array): void {
    this.#entrySum += weigh(index, this.#sumTable(bytes));
    this.#entrySum |= 0;
  }

  /** A part of the directory; the first entry in it is number `index`. */
  addDirectory(index: number, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i * ENTRY_BYTES < bytes.byteLength; i += 1) {
      const sector = view.getUint32(i * ENTRY_BYTES, true);
      if (sector === 0) continue;
      const sum = this.#tables.get(sector);
      if (sum === undefined)
        throw damagedImage('its directory names a grain table that never came');
      this.#entrySum += weigh(index + i, sum);
      this.#entrySum |= 0;
    }
  }

  assertComplete(): void {
    if (this.#grains !== this.#entries) {
      throw damagedImage(`${this.#grains} grains came, and its grain tables name ${this.#entries}`);
    }
    if (this.#grainSum === this.#entrySum) return;
    throw damagedImage('its grains are not those that its grain tables and its directory name');
  }

  /** Entries of 32 bits; 0 is a grain that was never written, and 1 one of zeros. */
  #sumTable(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let sum = 0;
    if (isZero(bytes)) return sum;
    for (let i = 0; i < this.#tableEntries; i += 1) {
      const sector = view.getUint32(i * ENTRY_BYTES, true);
      if (sector <= 1) continue;
      this.#entries += 1;
      sum = (sum + mix(i, sector)) | 0;
    }
    return sum;
  }
}

/** Any change of either changes all bits of the result; modulo 2^32, as everything here. */
function mix(entry: number, sector: number): number {
  const first = Math.imul(sector ^ Math.imul(entry + 1, 0x9e3779b1), 0x85ebca6b);
  return Math.imul(first ^ (first >>> 15), 0xc2b2ae35);
}

/** Sums of products are equal however they are grouped, which makes a table one number. */
function weigh(table: number, sum: number): number {
  return Math.imul(2 * table + 1, sum);
}
