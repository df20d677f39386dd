/**
 * Where things are in an image of ours. What has a fixed place comes first; all else is put at the
 * end of the file, in the order in which it comes:
 *
 *   header │ refcount table │ L1 table │ refcount block, L2 tables, clusters of the disk …
 *
 * Two rules make a flush a place to go back to (`qcow2-writer-resume.ts`):
 * - The file grows only at its end.
 * - An entry of a table that is not empty never changes. So after a crash, what points behind the
 *   end that the file had at a flush came later, and all else is as it was.
 */
import { QCOW2_FIELDS, QCOW2_HEADER_BYTES, QCOW2_MAGIC } from './qcow2-header.ts';

export const CLUSTER_BITS = 16;
export const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
export const ENTRY_BYTES = 8;
export const ENTRIES_PER_TABLE = CLUSTER_BYTES / ENTRY_BYTES;
const REFCOUNT_ORDER = 4;
export const REFCOUNT_BYTES = 2;
export const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / REFCOUNT_BYTES;

export interface Qcow2Layout {
  readonly capacityBytes: number;
  /** Clusters of the disk; the last may be cut. */
  readonly diskClusters: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  /** From here on clusters are given out. */
  readonly firstFreeOffset: number;
}

export function layOutQcow2(capacityBytes: number): Qcow2Layout {
  const diskClusters = Math.ceil(capacityBytes / CLUSTER_BYTES);
  const l1Entries = Math.ceil(diskClusters / ENTRIES_PER_TABLE);
  const l1Clusters = Math.max(1, Math.ceil((l1Entries * ENTRY_BYTES) / CLUSTER_BYTES));
  // Each cluster of the disk takes one of the file at most. The blocks and the table of the
  // refcounts count themselves, and are no more than a 16 000th of the rest.
  const counted = 1 + l1Clusters + l1Entries + diskClusters;
  const blocks = Math.ceil((counted * 1.001 + 16) / REFCOUNTS_PER_BLOCK);
  const refcountTableClusters = Math.ceil((blocks * ENTRY_BYTES) / CLUSTER_BYTES);
  const l1Offset = (1 + refcountTableClusters) * CLUSTER_BYTES;
  return {
    ...{ capacityBytes, diskClusters, refcountTableClusters, l1Offset, l1Entries },
    refcountTableOffset: CLUSTER_BYTES,
    firstFreeOffset: l1Offset + l1Clusters * CLUSTER_BYTES,
  };
}

export function encodeQcow2Header(layout: Qcow2Layout): Buffer {
  const header = Buffer.alloc(QCOW2_HEADER_BYTES);
  header.writeUInt32BE(QCOW2_MAGIC, QCOW2_FIELDS.magic);
  header.writeUInt32BE(3, QCOW2_FIELDS.version);
  header.writeUInt32BE(CLUSTER_BITS, QCOW2_FIELDS.clusterBits);
  header.writeBigUInt64BE(BigInt(layout.capacityBytes), QCOW2_FIELDS.sizeBytes);
  header.writeUInt32BE(layout.l1Entries, QCOW2_FIELDS.l1Entries);
  header.writeBigUInt64BE(BigInt(layout.l1Offset), QCOW2_FIELDS.l1Offset);
  header.writeBigUInt64BE(BigInt(layout.refcountTableOffset), QCOW2_FIELDS.refcountTableOffset);
  header.writeUInt32BE(layout.refcountTableClusters, QCOW2_FIELDS.refcountTableClusters);
  header.writeUInt32BE(REFCOUNT_ORDER, QCOW2_FIELDS.refcountOrder);
  header.writeUInt32BE(QCOW2_HEADER_BYTES, QCOW2_FIELDS.headerBytes);
  return header;
}
