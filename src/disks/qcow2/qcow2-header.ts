/**
 * The first bytes of a qcow2 image, versions 2 and 3, all of them big-endian:
 *
 *   header → L1 table → L2 tables (one cluster each) → clusters of the disk
 *          → refcount table → refcount blocks (one cluster each)
 *
 * What `parseQcow2Header` returns is checked against the size of the file, so a reader may
 * trust its numbers: no table reaches past the end of the file.
 */
import { damagedImage, unreadableImage } from '#disks/image-errors.ts';

export const QCOW2_MAGIC = 0x514649fb;
export const SECTOR_BYTES = 512;
/** Of version 3 as far as every writer knows it; version 2 ends after 72. */
export const QCOW2_HEADER_BYTES = 104;
/** An image may have more header than that: the last field read here is the compression type. */
export const QCOW2_HEADER_READ_BYTES = 112;
/** As many as QEMU takes: 32 MiB. */
const MAX_L1_ENTRIES = 2 ** 22;
const MAX_CAPACITY_BYTES = 64 * 2 ** 40;

/** Where each field begins. */
export const QCOW2_FIELDS = {
  magic: 0,
  version: 4,
  backingFileOffset: 8,
  backingFileBytes: 16,
  clusterBits: 20,
  sizeBytes: 24,
  cryptMethod: 32,
  l1Entries: 36,
  l1Offset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatibleFeatures: 72,
  compatibleFeatures: 80,
  autoclearFeatures: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compressionType: 104,
} as const;

/**
 * Entries of 64 bits are looked at as two halves of 32, since a shift of a number in JavaScript
 * is one of 32 bits. These are bits of the upper half.
 */
export const ENTRY_COPIED_HIGH = 0x8000_0000;
export const ENTRY_COMPRESSED_HIGH = 0x4000_0000;
/** Bits 32 to 55 of an offset. */
export const ENTRY_OFFSET_HIGH_MASK = 0x00ff_ffff;
/** And bits 9 to 31, of the lower half. */
export const ENTRY_OFFSET_LOW_MASK = 0xffff_fe00;
/** Of the lower half: the cluster reads as zeros. */
export const ENTRY_ZERO_LOW = 1;

/**
 * The entry of a compressed cluster has the offset in this many low bits, then up to bit 61 the
 * number of sectors, after the one it begins in, that the data reaches into.
 */
export function compressedOffsetBits(clusterBits: number): number {
  return 62 - (clusterBits - 8);
}

export type Qcow2Compression = 'zlib' | 'zstd';

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly sizeBytes: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly compression: Qcow2Compression;
}

const INCOMPATIBLE = [
  { bit: 0, name: 'dirty', isRead: true },
  { bit: 1, name: 'corrupt', isRead: false },
  { bit: 2, name: 'external data file', isRead: false },
  { bit: 3, name: 'compression type', isRead: true },
  { bit: 4, name: 'extended L2 entries', isRead: false },
] as const;

/** `bytes` is the beginning of the file, `QCOW2_HEADER_READ_BYTES` of it or all there is. */
export function parseQcow2Header(bytes: Uint8Array, fileBytes: number): Qcow2Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 72) throw damagedImage('the qcow2 header is cut off');
  if (view.getUint32(QCOW2_FIELDS.magic) !== QCOW2_MAGIC) throw damagedImage('this is no qcow2');
  const version = view.getUint32(QCOW2_FIELDS.version);
  if (version !== 2 && version !== 3) {
    throw unreadableImage(`qcow2 of version ${version}, and only 2 and 3 are known`);
  }
  if (version === 3 && bytes.byteLength < QCOW2_HEADER_BYTES) {
    throw damagedImage('the qcow2 header is cut off');
  }
  const compression = version === 3 ? readFeatures(view) : 'zlib';
  refuseOtherFiles(view);
  const clusterBits = view.getUint32(QCOW2_FIELDS.clusterBits);
  if (clusterBits < 9 || clusterBits > 21) {
    throw damagedImage(`clusters of 2^${clusterBits} bytes, and 2^9 to 2^21 are possible`);
  }
  const sizeBytes = readCapacity(view);
  return { version, clusterBits, sizeBytes, compression, ...readL1(view, fileBytes, sizeBytes) };
}

function readFeatures(view: DataView): Qcow2Compression {
  const high = view.getUint32(QCOW2_FIELDS.incompatibleFeatures);
  const low = view.getUint32(QCOW2_FIELDS.incompatibleFeatures + 4);
  for (const { bit, name, isRead } of INCOMPATIBLE) {
    if ((low & (1 << bit)) !== 0 && !isRead) {
      throw unreadableImage(`it has the incompatible feature "${name}"; convert it with qemu-img`);
    }
  }
  if (high !== 0 || low >= 2 ** INCOMPATIBLE.length) {
    throw unreadableImage('it has an incompatible feature nobody has told us of');
  }
  const headerBytes = view.getUint32(QCOW2_FIELDS.headerBytes);
  if (headerBytes < QCOW2_HEADER_BYTES) throw damagedImage('the qcow2 header is too short');
  const hasType = headerBytes > QCOW2_HEADER_BYTES && view.byteLength > QCOW2_HEADER_BYTES;
  const type = hasType ? view.getUint8(QCOW2_FIELDS.compressionType) : 0;
  if (type > 1) throw unreadableImage(`its clusters are compressed in way ${type}`);
  return type === 1 ? 'zstd' : 'zlib';
}

function refuseOtherFiles(view: DataView): void {
  if (view.getBigUint64(QCOW2_FIELDS.backingFileOffset) !== 0n) {
    throw unreadableImage(
      'it is an overlay of a backing file; make one image of both with qemu-img convert',
    );
  }
  if (view.getUint32(QCOW2_FIELDS.cryptMethod) !== 0) {
    throw unreadableImage('it is encrypted; decrypt it with qemu-img convert');
  }
}

function readCapacity(view: DataView): number {
  const size = Number(view.getBigUint64(QCOW2_FIELDS.sizeBytes));
  if (size > MAX_CAPACITY_BYTES) throw unreadableImage('it holds a disk of more than 64 TiB');
  if (size % SECTOR_BYTES !== 0) throw unreadableImage('its size is not a multiple of 512 bytes');
  return size;
}

function readL1(
  view: DataView,
  fileBytes: number,
  sizeBytes: number,
): Pick<Qcow2Header, 'l1Entries' | 'l1Offset'> {
  const clusterBits = view.getUint32(QCOW2_FIELDS.clusterBits);
  const bytesPerL1Entry = 2 ** clusterBits * 2 ** (clusterBits - 3);
  const needed = Math.ceil(sizeBytes / bytesPerL1Entry);
  if (needed > MAX_L1_ENTRIES) throw unreadableImage('its clusters are too small for its size');
  const claimed = view.getUint32(QCOW2_FIELDS.l1Entries);
  if (claimed < needed) throw damagedImage(`its L1 table has ${claimed} of ${needed} entries`);
  const l1Offset = Number(view.getBigUint64(QCOW2_FIELDS.l1Offset));
  if (l1Offset % 2 ** clusterBits !== 0 || l1Offset + needed * 8 > fileBytes) {
    throw damagedImage('its L1 table is not where it should be');
  }
  return { l1Entries: needed, l1Offset };
}
