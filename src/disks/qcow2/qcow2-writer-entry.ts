/** The entries of L1 and L2 tables, 64 bits each, as numbers that JavaScript can hold. */
import {
  compressedOffsetBits,
  ENTRY_COMPRESSED_HIGH,
  ENTRY_COPIED_HIGH,
  ENTRY_OFFSET_HIGH_MASK,
  ENTRY_OFFSET_LOW_MASK,
  SECTOR_BYTES,
} from './qcow2-header.ts';
import { CLUSTER_BITS, CLUSTER_BYTES } from './qcow2-writer-layout.ts';

const HALF = 2 ** 32;
/** Where the count of sectors begins in the upper half. */
const SECTORS_SHIFT = compressedOffsetBits(CLUSTER_BITS) - 32;
const COMPRESSED_OFFSET_MASK = 2 ** SECTORS_SHIFT - 1;

export type TableEntry =
  | { readonly kind: 'empty' }
  /** A table or a cluster of its own. */
  | { readonly kind: 'cluster'; readonly offset: number }
  /** `endOffset` is the end of the last sector that the compressed bytes reach into. */
  | { readonly kind: 'compressed'; readonly offset: number; readonly endOffset: number }
  /** Nothing that we have written. */
  | { readonly kind: 'foreign' };

const EMPTY: TableEntry = { kind: 'empty' };
const FOREIGN: TableEntry = { kind: 'foreign' };

export function readEntry(table: Buffer, slot: number): TableEntry {
  const high = table.readUInt32BE(slot * 8);
  const low = table.readUInt32BE(slot * 8 + 4);
  if (high === 0 && low === 0) return EMPTY;
  if ((high & ENTRY_COMPRESSED_HIGH) !== 0) return readCompressed(high, low);
  const offset = (high & ENTRY_OFFSET_HIGH_MASK) * HALF + ((low & ENTRY_OFFSET_LOW_MASK) >>> 0);
  const isOurs =
    high >>> 24 === ENTRY_COPIED_HIGH >>> 24 && low % CLUSTER_BYTES === 0 && offset !== 0;
  return isOurs ? { kind: 'cluster', offset } : FOREIGN;
}

function readCompressed(high: number, low: number): TableEntry {
  if (high >>> 31 !== 0) return FOREIGN;
  const sectors = 1 + ((high >>> SECTORS_SHIFT) & 0xff);
  const offset = (high & COMPRESSED_OFFSET_MASK) * HALF + low;
  const endOffset = (Math.floor(offset / SECTOR_BYTES) + sectors) * SECTOR_BYTES;
  return { kind: 'compressed', offset, endOffset };
}

/** The same for L1 and L2: the offset, and that it is referred to but once. */
export function writeClusterEntry(table: Buffer, slot: number, offset: number): void {
  table.writeUInt32BE(((offset / HALF) | ENTRY_COPIED_HIGH) >>> 0, slot * 8);
  table.writeUInt32BE(offset % HALF, slot * 8 + 4);
}

export function writeCompressedEntry(
  table: Buffer,
  slot: number,
  place: { readonly offset: number; readonly bytes: number },
): void {
  const first = Math.floor(place.offset / SECTOR_BYTES);
  const last = Math.floor((place.offset + place.bytes - 1) / SECTOR_BYTES);
  const high = (place.offset / HALF) | ((last - first) << SECTORS_SHIFT) | ENTRY_COMPRESSED_HIGH;
  table.writeUInt32BE(high >>> 0, slot * 8);
  table.writeUInt32BE(place.offset % HALF, slot * 8 + 4);
}

export function clearEntry(table: Buffer, slot: number): void {
  table.fill(0, slot * 8, slot * 8 + 8);
}
