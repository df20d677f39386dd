/**
 * Proof of what was received, whatever the order in which it came. The disk is looked at in blocks
 * of 64 KiB; each that is not zero counts with SHA-256(offset ‖ SHA-256(block)), and an extent of
 * 16 MiB with the XOR of those of its blocks. An image holds what was received if its extents,
 * read back, come out the same. It is proof against accidents, not against a forger.
 */
import { createHash, hash } from 'node:crypto';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { HASH_BYTES } from './work/heavy-job.ts';
import { isZero } from './zero-detect.ts';

export const DIGEST_BLOCK_BYTES = 64 * 1024;
export const EXTENT_BYTES = 16 * MIB;
export const DIGEST_BYTES = 32;
const DIGEST_WORDS = DIGEST_BYTES / 4;
const OFFSET_BYTES = 8;
/** Digests are kept in pages of so many, which is 32 KiB for 16 GiB of the disk. */
const PAGE_EXTENTS = 1024;
/** Blocks that came in part and wait for the rest: 16 MiB. */
const GATHERED = 256;

interface Gathered {
  readonly data: Uint8Array;
  bytes: number;
}

export interface DiskRange {
  readonly offset: number;
  readonly length: number;
}

export class DiskDigests {
  readonly capacityBytes: number;
  readonly #pages = new Map<number, Int32Array>();
  readonly #changed = new Set<number>();
  /** In the order in which their first part came. */
  readonly #gathered = new Map<number, Gathered>();
  /** Up to here, blocks of which only a part came may have been taken for complete. */
  #closedTo = 0;
  #zeroBytes = 0;
  readonly #named = Buffer.alloc(OFFSET_BYTES + DIGEST_BYTES);

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  /** Of what was added in whole blocks. */
  get zeroBytes(): number {
    return this.#zeroBytes;
  }

  /** The part of a chunk that is whole blocks: what of it can be hashed beforehand. */
  wholeBlocks(offset: number, data: Uint8Array): Uint8Array {
    const end = offset + data.byteLength;
    const from = Math.ceil(offset / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
    const to = end === this.capacityBytes ? end : end - (end % DIGEST_BLOCK_BYTES);
    return data.subarray(from - offset, Math.max(from, to) - offset);
  }

  /**
   * No part of the disk may be added twice. Parts of blocks are copied, whole ones not kept.
   * `hashes` are those of `wholeBlocks`, one after the other, where they are known.
   */
  add(offset: number, data: Uint8Array, hashes?: Uint8Array): void {
    let hashAt = 0;
    for (let at = 0; at < data.byteLength;) {
      const start = (offset + at) % DIGEST_BLOCK_BYTES;
      const block = (offset + at - start) / DIGEST_BLOCK_BYTES;
      const end = Math.min(data.byteLength, at + DIGEST_BLOCK_BYTES - start);
      const piece = data.subarray(at, end);
      if (piece.byteLength === this.#bytesOf(block)) {
        this.#take(block, piece, hashes?.subarray(hashAt, hashAt + HASH_BYTES));
        hashAt += HASH_BYTES;
      } else this.#gather(block, start, piece);
      at = end;
    }
  }

  /** What has not come of blocks that lie before `offset` is zero. */
  closeBefore(offset: number): void {
    const end = Math.floor(offset / DIGEST_BLOCK_BYTES);
    for (const block of this.#gathered.keys()) if (block < end) this.#close(block);
  }

  /** What has not come is zero. */
  close(): void {
    for (const block of this.#gathered.keys()) this.#close(block);
  }

  /** The extents whose digests are not as they were when this was last called. */
  takeChanged(): readonly number[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** All zeros for an extent that is zero. */
  digestOf(extent: number): Buffer {
    const digest = Buffer.alloc(DIGEST_BYTES);
    const words = this.#pages.get(Math.floor(extent / PAGE_EXTENTS));
    const at = (extent % PAGE_EXTENTS) * DIGEST_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word += 1) {
      digest.writeInt32LE(words?.[at + word] ?? 0, word * 4);
    }
    return digest;
  }

  /** As it was when it was saved; the later one counts. */
  restore(extent: number, digest: Buffer): void {
    const words = this.#pageOf(extent);
    const at = (extent % PAGE_EXTENTS) * DIGEST_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word += 1) {
      words[at + word] = digest.readInt32LE(word * 4);
    }
  }

  /** The first extent that differs. */
  findDifference(other: DiskDigests): DiskRange | undefined {
    const pages = new Set([...this.#pages.keys(), ...other.#pages.keys()]);
    for (const page of [...pages].toSorted((one, another) => one - another)) {
      for (let extent = page * PAGE_EXTENTS; extent < (page + 1) * PAGE_EXTENTS; extent += 1) {
        if (this.digestOf(extent).equals(other.digestOf(extent))) continue;
        const offset = extent * EXTENT_BYTES;
        return { offset, length: Math.min(EXTENT_BYTES, this.capacityBytes - offset) };
      }
    }
    return undefined;
  }

  /** SHA-256 of all that is not zero: the same for the same disk, in whatever image it is. */
  summary(): string {
    const all = createHash('sha256').update(`${this.capacityBytes}`);
    for (const page of [...this.#pages.keys()].toSorted((one, other) => one - other)) {
      for (let extent = page * PAGE_EXTENTS; extent < (page + 1) * PAGE_EXTENTS; extent += 1) {
        const digest = this.digestOf(extent);
        if (!isZero(digest)) all.update(` ${extent} `).update(digest);
      }
    }
    return all.digest('hex');
  }

  #gather(block: number, start: number, piece: Uint8Array): void {
    let gathered = this.#gathered.get(block);
    if (gathered === undefined) {
      if (block < this.#closedTo) throw tooScattered(block);
      const [oldest] = this.#gathered.keys();
      if (oldest !== undefined && this.#gathered.size >= GATHERED) this.#close(oldest);
      gathered = { data: new Uint8Array(this.#bytesOf(block)), bytes: 0 };
      this.#gathered.set(block, gathered);
    }
    gathered.data.set(piece, start);
    gathered.bytes += piece.byteLength;
    if (gathered.bytes < gathered.data.byteLength) return;
    this.#gathered.delete(block);
    this.#take(block, gathered.data);
  }

  #close(block: number): void {
    const gathered = this.#gathered.get(block);
    this.#gathered.delete(block);
    this.#closedTo = Math.max(this.#closedTo, block + 1);
    if (gathered !== undefined) this.#take(block, gathered.data);
  }

  #take(block: number, data: Uint8Array, known?: Uint8Array): void {
    if (isZero(known ?? data)) {
      this.#zeroBytes += data.byteLength;
      return;
    }
    const offset = block * DIGEST_BLOCK_BYTES;
    this.#named.writeBigUInt64LE(BigInt(offset));
    this.#named.set(known ?? hash('sha256', data, 'buffer'), OFFSET_BYTES);
    const digest = hash('sha256', this.#named, 'buffer');
    const extent = Math.floor(offset / EXTENT_BYTES);
    const words = this.#pageOf(extent);
    const at = (extent % PAGE_EXTENTS) * DIGEST_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word += 1) {
      words[at + word] = (words[at + word] ?? 0) ^ digest.readInt32LE(word * 4);
    }
    this.#changed.add(extent);
  }

  #pageOf(extent: number): Int32Array {
    const index = Math.floor(extent / PAGE_EXTENTS);
    let page = this.#pages.get(index);
    if (page === undefined) {
      page = new Int32Array(PAGE_EXTENTS * DIGEST_WORDS);
      this.#pages.set(index, page);
    }
    return page;
  }

  #bytesOf(block: number): number {
    return Math.min(DIGEST_BLOCK_BYTES, this.capacityBytes - block * DIGEST_BLOCK_BYTES);
  }
}

function tooScattered(block: number): DroverError {
  return new DroverError(
    'failed_precondition',
    'the source gives the disk in pieces too small and too scattered to be checked',
    { reason: 'DISK_TOO_SCATTERED', context: { offset: block * DIGEST_BLOCK_BYTES } },
  );
}
