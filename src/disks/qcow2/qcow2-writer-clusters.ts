/** Gives out the clusters of the file, one after the other, and keeps count of their uses. */
import type { ImageFile } from '#disks/image-file.ts';
import {
  CLUSTER_BYTES,
  ENTRY_BYTES,
  REFCOUNT_BYTES,
  REFCOUNTS_PER_BLOCK,
  type Qcow2Layout,
} from './qcow2-writer-layout.ts';

interface Block {
  readonly offset: number;
  readonly counts: Buffer;
  isDirty: boolean;
}

export interface ClustersState {
  readonly table: Buffer;
  readonly endOffset: number;
  /** The block that counts the last cluster before `endOffset`. */
  readonly last: { readonly offset: number; readonly counts: Buffer };
}

export class Qcow2Clusters {
  readonly #layout: Qcow2Layout;
  readonly #file: ImageFile;
  /** The offsets of the blocks. */
  readonly #table: Buffer;
  #isTableDirty = true;
  /** Those that may still change: the last, and the one before it. */
  readonly #blocks = new Map<number, Block>();
  #next: number;

  private constructor(file: ImageFile, layout: Qcow2Layout, table: Buffer, next: number) {
    this.#file = file;
    this.#layout = layout;
    this.#table = table;
    this.#next = next;
  }

  static create(file: ImageFile, layout: Qcow2Layout): Qcow2Clusters {
    const table = Buffer.alloc(layout.refcountTableClusters * CLUSTER_BYTES);
    const clusters = new Qcow2Clusters(file, layout, table, 0);
    const fixed = layout.firstFreeOffset / CLUSTER_BYTES;
    // They are counted by a block that comes behind them.
    clusters.#next = fixed;
    clusters.#addBlock(0);
    for (let cluster = 0; cluster < fixed; cluster += 1) clusters.#count(cluster);
    return clusters;
  }

  static resume(file: ImageFile, layout: Qcow2Layout, state: ClustersState): Qcow2Clusters {
    const next = state.endOffset / CLUSTER_BYTES;
    const clusters = new Qcow2Clusters(file, layout, state.table, next);
    const last = Math.floor((next - 1) / REFCOUNTS_PER_BLOCK);
    clusters.#blocks.set(last, { ...state.last, isDirty: false });
    return clusters;
  }

  /** Where the next cluster will be, or the block that counts it. */
  get endOffset(): number {
    return this.#next * CLUSTER_BYTES;
  }

  /** The offset of a cluster that nobody else has. */
  allocate(): number {
    const block = Math.floor(this.#next / REFCOUNTS_PER_BLOCK);
    if (!this.#blocks.has(block)) this.#addBlock(block);
    const cluster = this.#next;
    this.#next += 1;
    this.#count(cluster);
    return cluster * CLUSTER_BYTES;
  }

  /** One use more of what `allocate` gave out last, or just before. */
  share(offset: number): void {
    this.#count(Math.floor(offset / CLUSTER_BYTES));
  }

  async flush(): Promise<void> {
    for (const block of this.#blocks.values()) {
      if (block.isDirty) await this.#file.write(block.offset, block.counts);
      block.isDirty = false;
    }
    if (this.#isTableDirty) await this.#file.write(this.#layout.refcountTableOffset, this.#table);
    this.#isTableDirty = false;
  }

  /** It is the first cluster of those that it counts, but for the very first of all. */
  #addBlock(index: number): void {
    const cluster = this.#next;
    this.#next += 1;
    const offset = cluster * CLUSTER_BYTES;
    this.#blocks.set(index, { offset, counts: Buffer.alloc(CLUSTER_BYTES), isDirty: true });
    this.#table.writeBigUInt64BE(BigInt(offset), index * ENTRY_BYTES);
    this.#isTableDirty = true;
    this.#count(cluster);
    for (const [other, block] of this.#blocks) {
      if (other >= index - 1) continue;
      if (block.isDirty) this.#file.append(block.offset, block.counts);
      this.#blocks.delete(other);
    }
  }

  #count(cluster: number): void {
    const block = this.#blocks.get(Math.floor(cluster / REFCOUNTS_PER_BLOCK));
    if (block === undefined) throw new Error(`cluster ${cluster} is counted already`);
    const at = (cluster % REFCOUNTS_PER_BLOCK) * REFCOUNT_BYTES;
    block.counts.writeUInt16BE(block.counts.readUInt16BE(at) + 1, at);
    block.isDirty = true;
  }
}
