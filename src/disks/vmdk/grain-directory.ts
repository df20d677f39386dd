/**
 * Finds the grains of a sparse extent: directory → tables → grains, each entry a sector number of
 * 32 bits. Many extents have both twice; where the first says what cannot be, the second is asked.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { ReferenceBudget } from '#disks/stream/reference-budget.ts';
import { TableReader } from '#disks/stream/table-reader.ts';
import { SECTOR_BYTES, type SparseHeader } from './sparse-header.ts';

const ENTRY_BYTES = 4;
/** What is asked about at once: 8 GiB of the disk, at the usual sizes. */
const GROUP_TABLES = 256;

export interface GrainPlace {
  readonly diskOffset: number;
  readonly fileOffset: number;
}

/** One way through: the directory's place, and what was read of it and its tables last. */
interface Way {
  readonly directoryOffset: number;
  readonly directory: TableReader;
  readonly tables: TableReader;
}

export class GrainDirectory {
  readonly #header: SparseHeader;
  readonly #source: RangeSource;

  constructor(source: RangeSource, header: SparseHeader) {
    this.#source = source;
    this.#header = header;
  }

  /** The grains that were written, table by table and ascending; zeros are left out. */
  async *tables(
    fromOffset: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly GrainPlace[], void, undefined> {
    const { directoryEntries, directoryOffset, redundantDirectoryOffset } = this.#header;
    const { grainBytes, tableEntries, isCompressed } = this.#header;
    const ways = [directoryOffset, redundantDirectoryOffset]
      .filter((offset) => offset !== undefined)
      .filter((offset) => offset !== 0)
      .map((offset) => this.#way(offset, signal));
    if (ways.length === 0) throw damagedImage('its header names no grain directory');
    // A grain that is compressed takes at least the sector of its marker.
    const leastBytes = isCompressed ? SECTOR_BYTES : grainBytes;
    const budget = new ReferenceBudget(this.#source.sizeBytes + grainBytes);
    const first = Math.floor(fromOffset / (grainBytes * tableEntries));
    let isGroupEmpty = false;
    for (let index = first; index < directoryEntries; index += 1) {
      if (index === first || index % GROUP_TABLES === 0) {
        signal.throwIfAborted();
        isGroupEmpty = await this.#isGroupEmpty(ways[0], index);
      }
      if (isGroupEmpty) continue;
      const grains = await this.#readTable(ways, index);
      budget.use(grains.length * leastBytes);
      const wanted = grains.filter((grain) => grain.diskOffset + grainBytes > fromOffset);
      if (wanted.length > 0) yield wanted;
    }
  }

  #way(directoryOffset: number, signal: AbortSignal): Way {
    const directory = new TableReader(this.#source, signal);
    return { directoryOffset, directory, tables: new TableReader(this.#source, signal) };
  }

  /**
   * Whether no table from `index` to the end of its group was ever written to. A disk of many TiB
   * that is nearly empty has a hundred thousand of them, which are a hole in the file.
   */
  async #isGroupEmpty(way: Way | undefined, index: number): Promise<boolean> {
    const { directoryEntries, tableEntries } = this.#header;
    const count = Math.min(GROUP_TABLES - (index % GROUP_TABLES), directoryEntries - index);
    const at = (way?.directoryOffset ?? 0) + index * ENTRY_BYTES;
    if (way === undefined || at + count * ENTRY_BYTES > this.#source.sizeBytes) return false;
    const entries = await way.directory.read(at, count * ENTRY_BYTES);
    let [first, last] = [Infinity, 0];
    for (let i = 0; i < count; i += 1) {
      const sector = entries.getUint32(i * ENTRY_BYTES, true);
      if (sector === 0) continue;
      first = Math.min(first, sector);
      last = Math.max(last, sector);
    }
    if (last === 0) return true;
    const span = (last - first) * SECTOR_BYTES + tableEntries * ENTRY_BYTES;
    return await way.tables.isHole(first * SECTOR_BYTES, span);
  }

  async #readTable(ways: readonly Way[], index: number): Promise<readonly GrainPlace[]> {
    for (const way of ways) {
      const grains = await this.#tryTable(way, index);
      if (grains !== undefined) return grains;
    }
    throw damagedImage(`its grain table ${index} names places outside of the file`);
  }

  async #tryTable(way: Way, index: number): Promise<readonly GrainPlace[] | undefined> {
    const { sizeBytes } = this.#source;
    const entryAt = way.directoryOffset + index * ENTRY_BYTES;
    if (entryAt + ENTRY_BYTES > sizeBytes) return undefined;
    const entry = await way.directory.read(entryAt, ENTRY_BYTES);
    const tableOffset = entry.getUint32(0, true) * SECTOR_BYTES;
    if (tableOffset === 0) return [];
    const { tableEntries, capacityBytes, grainBytes } = this.#header;
    const tableBytes = tableEntries * ENTRY_BYTES;
    if (tableOffset + tableBytes > sizeBytes) return undefined;
    const table = await way.tables.read(tableOffset, tableBytes);
    const grains: GrainPlace[] = [];
    const start = index * tableEntries * grainBytes;
    for (let i = 0; i < tableEntries; i += 1) {
      const sector = table.getUint32(i * ENTRY_BYTES, true);
      const diskOffset = start + i * grainBytes;
      // 1 is a grain of zeros; the sector itself belongs to the header or the descriptor.
      if (sector <= 1) continue;
      const fileOffset = sector * SECTOR_BYTES;
      const bytes = this.#header.isCompressed
        ? SECTOR_BYTES
        : Math.min(grainBytes, capacityBytes - diskOffset);
      if (bytes <= 0 || fileOffset + bytes > sizeBytes) return undefined;
      grains.push({ diskOffset, fileOffset });
    }
    return grains;
  }
}
