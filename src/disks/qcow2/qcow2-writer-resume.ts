/**
 * Brings an image back to where it stood at a flush. What points behind the end that the file had
 * then came later and is taken out; for the rest, each cluster before that end must be referred
 * to, and none that is not shared twice: a disk that lost writes, or made some up, shows here.
 */
import { damagedImage } from '#disks/image-errors.ts';
import type { ImageFile } from '#disks/image-file.ts';
import type { ClustersState } from './qcow2-writer-clusters.ts';
import { clearEntry, readEntry, type TableEntry } from './qcow2-writer-entry.ts';
import {
  CLUSTER_BYTES,
  encodeQcow2Header,
  ENTRIES_PER_TABLE,
  ENTRY_BYTES,
  REFCOUNT_BYTES,
  REFCOUNTS_PER_BLOCK,
  type Qcow2Layout,
} from './qcow2-writer-layout.ts';

/** Uses are counted for 1 TiB of the file at a time, in 32 MiB. */
const COUNTED_AT_ONCE = 512 * REFCOUNTS_PER_BLOCK;
/** In a count: the cluster may have no other use. */
const ALONE = 0x8000;

export interface ResumedTables {
  readonly l1: Buffer;
  readonly clusters: ClustersState;
}

/** The file ends at `endOffset` already. */
export async function resumeTables(
  file: ImageFile,
  layout: Qcow2Layout,
  endOffset: number,
): Promise<ResumedTables> {
  if (endOffset % CLUSTER_BYTES !== 0 || endOffset <= layout.firstFreeOffset) {
    throw damagedImage('it never ended where it is said to have ended');
  }
  const expected = encodeQcow2Header(layout);
  if (!expected.equals(await file.read(0, expected.byteLength))) {
    throw damagedImage('its header is not the one that was written for this disk');
  }
  const read = new Resumption(file, layout, endOffset);
  return await read.run();
}

class Resumption {
  readonly #file: ImageFile;
  readonly #layout: Qcow2Layout;
  readonly #endOffset: number;
  readonly #counts: Uint16Array;
  /** The first cluster that is counted now. */
  #from = 0;

  constructor(file: ImageFile, layout: Qcow2Layout, endOffset: number) {
    this.#file = file;
    this.#layout = layout;
    this.#endOffset = endOffset;
    this.#counts = new Uint16Array(Math.min(COUNTED_AT_ONCE, endOffset / CLUSTER_BYTES));
  }

  async run(): Promise<ResumedTables> {
    const { l1Offset, l1Entries, refcountTableOffset, refcountTableClusters } = this.#layout;
    const tableBytes = refcountTableClusters * CLUSTER_BYTES;
    const table = await this.#readTable(refcountTableOffset, tableBytes, readBlockOffset);
    const l1 = await this.#readTable(l1Offset, l1Entries * ENTRY_BYTES);
    const endCluster = this.#endOffset / CLUSTER_BYTES;
    let last: ClustersState['last'] | undefined;
    for (this.#from = 0; this.#from < endCluster; this.#from += this.#counts.length) {
      this.#counts.fill(0);
      await this.#countAll(table, l1);
      last = await this.#writeCounts(table, Math.min(endCluster, this.#from + this.#counts.length));
    }
    if (last === undefined) throw damagedImage('it is empty');
    return { l1, clusters: { table, endOffset: this.#endOffset, last } };
  }

  /** Without what came later. */
  async #readTable(offset: number, bytes: number, read = readEntry): Promise<Buffer> {
    const table = await this.#file.read(offset, bytes);
    let isChanged = false;
    for (let slot = 0; slot < table.byteLength / ENTRY_BYTES; slot += 1) {
      if (!isLater(read(table, slot), this.#endOffset)) continue;
      clearEntry(table, slot);
      isChanged = true;
    }
    if (isChanged) await this.#file.write(offset, table);
    return table;
  }

  async #countAll(refcountTable: Buffer, l1: Buffer): Promise<void> {
    for (let at = 0; at < this.#layout.firstFreeOffset; at += CLUSTER_BYTES) this.#countAlone(at);
    for (let slot = 0; slot < refcountTable.byteLength / ENTRY_BYTES; slot += 1) {
      const block = readBlockOffset(refcountTable, slot);
      if (block.kind === 'cluster') this.#countAlone(block.offset);
    }
    for (let slot = 0; slot < this.#layout.l1Entries; slot += 1) {
      const entry = readEntry(l1, slot);
      if (entry.kind === 'empty') continue;
      if (entry.kind !== 'cluster') throw damagedImage('its L1 table holds what was not written');
      this.#countAlone(entry.offset);
      await this.#countTable(entry.offset);
    }
  }

  async #countTable(offset: number): Promise<void> {
    const table = await this.#readTable(offset, CLUSTER_BYTES);
    for (let slot = 0; slot < ENTRIES_PER_TABLE; slot += 1) {
      const entry = readEntry(table, slot);
      switch (entry.kind) {
        case 'empty':
          break;
        case 'cluster':
          this.#countAlone(entry.offset);
          break;
        case 'compressed':
          this.#countShared(entry);
          break;
        case 'foreign':
          throw damagedImage('an L2 table of it holds what was not written');
      }
    }
  }

  #countAlone(offset: number): void {
    const at = this.#indexOf(offset);
    if (at === undefined) return;
    if (this.#counts[at] !== 0) throw usedTwice(offset);
    this.#counts[at] = ALONE + 1;
  }

  #countShared({ offset, endOffset }: { readonly offset: number; readonly endOffset: number }) {
    const lastOffset = endOffset - 1;
    for (
      let cluster = offset - (offset % CLUSTER_BYTES);
      cluster <= lastOffset;
      cluster += CLUSTER_BYTES
    ) {
      const at = this.#indexOf(cluster);
      if (at === undefined) continue;
      const count = this.#counts[at] ?? 0;
      if (count >= ALONE - 1) throw usedTwice(cluster);
      this.#counts[at] = count + 1;
    }
  }

  /** Undefined where another turn counts. */
  #indexOf(offset: number): number | undefined {
    if (offset % CLUSTER_BYTES !== 0 || offset >= this.#endOffset) {
      throw damagedImage(`a table of it points to ${offset}, where nothing can be`);
    }
    const index = offset / CLUSTER_BYTES - this.#from;
    return index >= 0 && index < this.#counts.length ? index : undefined;
  }

  /** Answers the last block. */
  async #writeCounts(table: Buffer, endCluster: number): Promise<ClustersState['last']> {
    let last: ClustersState['last'] | undefined;
    for (let from = this.#from; from < endCluster; from += REFCOUNTS_PER_BLOCK) {
      const counts = Buffer.alloc(CLUSTER_BYTES);
      for (let cluster = from; cluster < Math.min(endCluster, from + REFCOUNTS_PER_BLOCK);) {
        const count = (this.#counts[cluster - this.#from] ?? 0) & ~ALONE;
        if (count === 0)
          throw damagedImage(`what was written at ${cluster * CLUSTER_BYTES} is gone`);
        counts.writeUInt16BE(count, (cluster - from) * REFCOUNT_BYTES);
        cluster += 1;
      }
      const block = readBlockOffset(table, from / REFCOUNTS_PER_BLOCK);
      if (block.kind !== 'cluster') throw damagedImage('a block of its refcounts is gone');
      await this.#file.write(block.offset, counts);
      last = { offset: block.offset, counts };
    }
    if (last === undefined) throw damagedImage('it is empty');
    return last;
  }
}

/** The table of the refcounts has offsets and nothing else. */
function readBlockOffset(table: Buffer, slot: number): TableEntry {
  const offset = Number(table.readBigUInt64BE(slot * ENTRY_BYTES));
  return offset === 0 ? { kind: 'empty' } : { kind: 'cluster', offset };
}

function isLater(entry: TableEntry, endOffset: number): boolean {
  switch (entry.kind) {
    case 'empty':
    case 'foreign':
      return false;
    case 'cluster':
      return entry.offset >= endOffset;
    case 'compressed':
      return entry.endOffset > endOffset;
  }
}

function usedTwice(offset: number) {
  return damagedImage(`what is written at ${offset} is referred to twice`);
}
