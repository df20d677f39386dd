/**
 * The L1 table, in memory, and of the L2 tables those that were used last: 512 MiB of the disk
 * each, and 64 KiB here. Each is written when another takes its place, and at a flush.
 */
import type { ImageFile } from '#disks/image-file.ts';
import { damagedImage } from '#disks/image-errors.ts';
import type { Qcow2Clusters } from './qcow2-writer-clusters.ts';
import { readEntry, writeClusterEntry } from './qcow2-writer-entry.ts';
import { CLUSTER_BYTES, ENTRIES_PER_TABLE, type Qcow2Layout } from './qcow2-writer-layout.ts';

/** 16 MiB, for 128 GiB of the disk. */
const TABLES_KEPT = 256;

export interface L2Table {
  readonly entries: Buffer;
  /** Whoever writes an entry sets it. */
  isDirty: boolean;
}

interface PlacedTable extends L2Table {
  readonly offset: number;
}

export class Qcow2Tables {
  readonly #file: ImageFile;
  readonly #clusters: Qcow2Clusters;
  readonly #layout: Qcow2Layout;
  readonly #l1: Buffer;
  #isL1Dirty = true;
  /** In the order of their last use, but for the one used last. */
  readonly #tables = new Map<number, PlacedTable>();
  #lastIndex = -1;
  #last: PlacedTable | undefined;

  constructor(parts: {
    readonly file: ImageFile;
    readonly clusters: Qcow2Clusters;
    readonly layout: Qcow2Layout;
    readonly l1: Buffer;
  }) {
    this.#file = parts.file;
    this.#clusters = parts.clusters;
    this.#layout = parts.layout;
    this.#l1 = parts.l1;
  }

  /** The table of a cluster of the disk if it was the last used; most are. */
  peek(cluster: number): L2Table | undefined {
    return Math.floor(cluster / ENTRIES_PER_TABLE) === this.#lastIndex ? this.#last : undefined;
  }

  async load(cluster: number): Promise<L2Table> {
    const index = Math.floor(cluster / ENTRIES_PER_TABLE);
    const table = this.#tables.get(index) ?? (await this.#fetch(index));
    this.#tables.delete(index);
    this.#tables.set(index, table);
    this.#lastIndex = index;
    this.#last = table;
    return table;
  }

  async flush(): Promise<void> {
    for (const table of this.#tables.values()) await this.#write(table);
    if (this.#isL1Dirty) await this.#file.write(this.#layout.l1Offset, this.#l1);
    this.#isL1Dirty = false;
  }

  async #fetch(index: number): Promise<PlacedTable> {
    const [oldest] = this.#tables;
    if (oldest !== undefined && this.#tables.size >= TABLES_KEPT) {
      await this.#write(oldest[1]);
      this.#tables.delete(oldest[0]);
    }
    const entry = readEntry(this.#l1, index);
    if (entry.kind === 'cluster') {
      const entries = await this.#file.read(entry.offset, CLUSTER_BYTES);
      return { offset: entry.offset, entries, isDirty: false };
    }
    if (entry.kind !== 'empty') throw damagedImage(`entry ${index} of its L1 table is not ours`);
    const offset = this.#clusters.allocate();
    writeClusterEntry(this.#l1, index, offset);
    this.#isL1Dirty = true;
    return { offset, entries: Buffer.alloc(CLUSTER_BYTES), isDirty: true };
  }

  async #write(table: PlacedTable): Promise<void> {
    if (table.isDirty) await this.#file.write(table.offset, table.entries);
    table.isDirty = false;
  }
}
