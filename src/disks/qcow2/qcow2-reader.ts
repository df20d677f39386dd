/**
 * Reads qcow2 images, one L2 table after the other. Clusters that follow one another on the disk
 * and in the file are read in one go; several reads and inflations are under way at a time.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { ReferenceBudget } from '#disks/stream/reference-budget.ts';
import { inOrder } from '#disks/stream/ordered-window.ts';
import { TableReader } from '#disks/stream/table-reader.ts';
import { MIB } from '#kernel/units.ts';
import { inflateCluster } from './qcow2-cluster.ts';
import {
  compressedOffsetBits,
  ENTRY_COMPRESSED_HIGH,
  ENTRY_OFFSET_HIGH_MASK,
  ENTRY_OFFSET_LOW_MASK,
  ENTRY_ZERO_LOW,
  parseQcow2Header,
  QCOW2_HEADER_READ_BYTES,
  SECTOR_BYTES,
  type Qcow2Header,
} from './qcow2-header.ts';

const CHUNK_BYTES = MIB;
const BYTES_AT_ONCE = 8 * MIB;
const ENTRY_BYTES = 8;
/** Entries are looked at in groups of so many, which are one short read. */
const GROUP_ENTRIES = 512;
/** No cluster is compressed to less; several may lie in one sector. */
const LEAST_COMPRESSED_BYTES = 8;

/** One read: a row of plain clusters, or one that is compressed. */
interface Piece {
  readonly diskOffset: number;
  readonly bytes: number;
  readonly fileOffset: number;
  /** Set when compressed: how much of the file to read. */
  readonly compressedBytes?: number;
}

/** Disposing the reader disposes the source. */
export async function openQcow2Reader(
  source: RangeSource,
  signal: AbortSignal,
): Promise<DiskReader> {
  const headerBytes = Math.min(source.sizeBytes, QCOW2_HEADER_READ_BYTES);
  const bytes = await source.read(0, headerBytes, signal);
  return new Qcow2Reader(source, parseQcow2Header(bytes, source.sizeBytes));
}

class Qcow2Reader implements DiskReader {
  readonly capacityBytes: number;
  readonly #source: RangeSource;
  readonly #header: Qcow2Header;
  readonly #clusterBytes: number;

  constructor(source: RangeSource, header: Qcow2Header) {
    this.#source = source;
    this.#header = header;
    this.#clusterBytes = 2 ** header.clusterBits;
    this.capacityBytes = header.sizeBytes;
  }

  async *chunks(options: ReadDiskOptions): AsyncGenerator<DiskChunk, void> {
    const { fromOffset = 0, signal } = options;
    const piecesAtOnce = Math.floor(BYTES_AT_ONCE / Math.max(this.#clusterBytes, CHUNK_BYTES));
    const read = (piece: Piece) => this.#read(piece, options);
    for await (const { offset, data } of inOrder(
      this.#pieces(fromOffset, signal),
      read,
      piecesAtOnce,
    )) {
      const from = Math.max(0, fromOffset - offset);
      for (let at = from; at < data.byteLength; at += CHUNK_BYTES) {
        yield { offset: offset + at, data: data.subarray(at, at + CHUNK_BYTES) };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  async #read(piece: Piece, { signal, work }: ReadDiskOptions): Promise<DiskChunk> {
    const { diskOffset: offset, bytes, fileOffset, compressedBytes } = piece;
    if (compressedBytes === undefined) {
      const target = work?.takeBuffer(bytes);
      return { offset, data: await this.#source.read(fileOffset, bytes, signal, target) };
    }
    const packed = await this.#source.read(fileOffset, compressedBytes, signal);
    const clusterBytes = this.#clusterBytes;
    const { compression } = this.#header;
    const cluster = await inflateCluster(packed, { clusterBytes, compression, offset });
    return { offset, data: cluster.subarray(0, bytes) };
  }

  /** Neighbours among the clusters, joined up to the length of a chunk. */
  async *#pieces(fromOffset: number, signal: AbortSignal): AsyncGenerator<Piece, void> {
    let row: Piece | undefined;
    for await (const piece of this.#clusters(fromOffset, signal)) {
      const isNext =
        row !== undefined &&
        row.compressedBytes === undefined &&
        piece.compressedBytes === undefined &&
        row.diskOffset + row.bytes === piece.diskOffset &&
        row.fileOffset + row.bytes === piece.fileOffset &&
        row.bytes + piece.bytes <= CHUNK_BYTES;
      if (isNext && row !== undefined) {
        row = { ...row, bytes: row.bytes + piece.bytes };
        continue;
      }
      if (row !== undefined) yield row;
      row = piece;
    }
    if (row !== undefined) yield row;
  }

  async *#clusters(fromOffset: number, signal: AbortSignal): AsyncGenerator<Piece, void> {
    const { l1Entries, l1Offset } = this.#header;
    const clusterBytes = this.#clusterBytes;
    const l2Entries = clusterBytes / ENTRY_BYTES;
    const budget = new ReferenceBudget(this.#source.sizeBytes);
    const l1 = new TableReader(this.#source, signal);
    const l2 = new TableReader(this.#source, signal);
    let cluster = Math.floor(fromOffset / clusterBytes);
    const end = Math.ceil(this.capacityBytes / clusterBytes);
    while (cluster < end) {
      const table = Math.floor(cluster / l2Entries);
      if (table >= l1Entries) throw damagedImage('its L1 table is too short');
      const at = this.#tableAt(await l1.read(l1Offset + table * ENTRY_BYTES, ENTRY_BYTES));
      const tableEnd = Math.min(end, (table + 1) * l2Entries);
      if (at === undefined) {
        signal.throwIfAborted();
        cluster = tableEnd;
        continue;
      }
      budget.use(clusterBytes);
      while (cluster < tableEnd) {
        const count = Math.min(GROUP_ENTRIES, tableEnd - cluster);
        const first = at + (cluster % l2Entries) * ENTRY_BYTES;
        const entries = await l2.read(first, count * ENTRY_BYTES);
        for (let i = 0; i < count; i += 1) {
          const piece = this.#toPiece(entries, i * ENTRY_BYTES, (cluster + i) * clusterBytes);
          if (piece === undefined) continue;
          budget.use(piece.compressedBytes === undefined ? piece.bytes : LEAST_COMPRESSED_BYTES);
          yield piece;
        }
        cluster += count;
      }
    }
  }

  #tableAt(entry: DataView): number | undefined {
    const offset = plainOffset(entry.getUint32(0), entry.getUint32(4));
    if (offset === 0) return undefined;
    const { sizeBytes } = this.#source;
    if (offset % this.#clusterBytes !== 0 || offset + this.#clusterBytes > sizeBytes) {
      throw damagedImage('an L2 table is not where its L1 table says');
    }
    return offset;
  }

  #toPiece(entries: DataView, at: number, diskOffset: number): Piece | undefined {
    const high = entries.getUint32(at);
    const low = entries.getUint32(at + 4);
    const bytes = Math.min(this.#clusterBytes, this.capacityBytes - diskOffset);
    if ((high & ENTRY_COMPRESSED_HIGH) !== 0) {
      return { diskOffset, bytes, ...this.#compressedPlace(high, low, diskOffset) };
    }
    const fileOffset = plainOffset(high, low);
    const isZero = this.#header.version >= 3 && (low & ENTRY_ZERO_LOW) !== 0;
    if (isZero || fileOffset === 0) return undefined;
    if (fileOffset % this.#clusterBytes !== 0 || fileOffset + bytes > this.#source.sizeBytes) {
      throw damagedImage(`the cluster at byte ${diskOffset} of the disk lies outside of the file`);
    }
    return { diskOffset, bytes, fileOffset };
  }

  /** The length is a number of sectors, so it may say more than the file has. */
  #compressedPlace(high: number, low: number, diskOffset: number) {
    const offsetBits = compressedOffsetBits(this.#header.clusterBits);
    const entry = (BigInt(high & 0x3fff_ffff) << 32n) | BigInt(low);
    const fileOffset = Number(entry & ((1n << BigInt(offsetBits)) - 1n));
    const sectors = Number(entry >> BigInt(offsetBits)) + 1;
    const { sizeBytes } = this.#source;
    if (fileOffset >= sizeBytes) {
      throw damagedImage(`the cluster at byte ${diskOffset} of the disk lies outside of the file`);
    }
    const mostBytes = sectors * SECTOR_BYTES - (fileOffset % SECTOR_BYTES);
    return { fileOffset, compressedBytes: Math.min(mostBytes, sizeBytes - fileOffset) };
  }
}

function plainOffset(high: number, low: number): number {
  return (high & ENTRY_OFFSET_HIGH_MASK) * 2 ** 32 + ((low & ENTRY_OFFSET_LOW_MASK) >>> 0);
}
