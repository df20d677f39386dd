/**
 * The first sector of a sparse extent, little-endian:
 *
 *   header → descriptor → redundant grain directory and tables → grain directory → grain tables
 *          → grains
 *
 * An extent written as a stream has no tables there: they come between the grains, each behind a
 * marker, and a footer (this header once more) at the end says where the directory is.
 */
import { damagedImage, unreadableImage } from '#disks/image-errors.ts';

export const SECTOR_BYTES = 512;
const SPARSE_MAGIC = 0x564d444b;
export const MAX_CAPACITY_BYTES = 64 * 2 ** 40;
const MAX_DESCRIPTOR_BYTES = 2 ** 20;
const MIN_GRAIN_SECTORS = 8;
const MAX_GRAIN_SECTORS = 2048;
const MAX_TABLE_ENTRIES = 512;
/** A disk of 64 TiB with grains of 64 KiB needs half of them. */
const MAX_DIRECTORY_ENTRIES = 2 ** 22;

const FLAG_NEWLINE_CHECK = 1;
const FLAG_REDUNDANT_TABLES = 2;
const FLAG_ZERO_GRAINS = 4;
const FLAG_COMPRESSED = 1 << 16;
const FLAG_MARKERS = 1 << 17;
/** What a file that went through a text-mode transfer would no longer have. */
const NEWLINES = [0x0a, 0x20, 0x0d, 0x0a];

export interface SparseHeader {
  readonly capacityBytes: number;
  readonly grainBytes: number;
  readonly tableEntries: number;
  /** How many entries the directory has: one for each table. */
  readonly directoryEntries: number;
  /** Absent where the footer says it. */
  readonly directoryOffset: number | undefined;
  readonly redundantDirectoryOffset: number | undefined;
  readonly descriptor: { readonly offset: number; readonly bytes: number } | undefined;
  /** Where the grains may begin. */
  readonly overheadBytes: number;
  /** An entry of 1 in a table is a grain of zeros, and not one that was never written. */
  readonly hasZeroGrains: boolean;
  readonly isCompressed: boolean;
  readonly hasMarkers: boolean;
  /** Whoever wrote to it did not close it. */
  readonly isUnclean: boolean;
}

export function isSparseHeader(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 4) return false;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) === SPARSE_MAGIC;
}

export function parseSparseHeader(bytes: Uint8Array): SparseHeader {
  if (bytes.byteLength < SECTOR_BYTES) throw damagedImage('the VMDK header is cut off');
  if (!isSparseHeader(bytes)) throw damagedImage('a sparse VMDK extent has no header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECTOR_BYTES);
  const version = view.getUint32(4, true);
  if (version < 1 || version > 3) {
    throw unreadableImage(`a VMDK extent of version ${version}, and only 1 to 3 are known`);
  }
  const flags = view.getUint32(8, true);
  if ((flags & FLAG_NEWLINE_CHECK) !== 0 && NEWLINES.some((byte, i) => bytes[73 + i] !== byte)) {
    throw damagedImage('its line ends were changed; it was transferred as text, not as binary');
  }
  return {
    ...readGeometry(view),
    ...readPlaces(view, (flags & FLAG_REDUNDANT_TABLES) !== 0),
    ...readCompression(view, flags),
    hasZeroGrains: (flags & FLAG_ZERO_GRAINS) !== 0,
    isUnclean: view.getUint8(72) !== 0,
  };
}

const AGREE = ['capacityBytes', 'grainBytes', 'tableEntries', 'isCompressed'] as const;

/** The footer is the header once more; all that the grains before it were read by must be same. */
export function assertFooterAgrees(header: SparseHeader, footer: SparseHeader): void {
  if (AGREE.every((field) => footer[field] === header[field])) return;
  throw damagedImage('the footer of the stream contradicts its header');
}

function readGeometry(view: DataView) {
  const capacityBytes = readSectors(view, 12, 'capacity');
  const grainSectors = readSectors(view, 20, 'grain size') / SECTOR_BYTES;
  const tableEntries = view.getUint32(44, true);
  if (capacityBytes > MAX_CAPACITY_BYTES) {
    throw unreadableImage('it says that it holds a disk of more than 64 TiB');
  }
  const isPowerOfTwo = Number.isInteger(Math.log2(grainSectors));
  if (!isPowerOfTwo || grainSectors < MIN_GRAIN_SECTORS || grainSectors > MAX_GRAIN_SECTORS) {
    throw damagedImage(`grains of ${grainSectors} sectors, and 8 to 2048 are possible`);
  }
  if (tableEntries < 1 || tableEntries > MAX_TABLE_ENTRIES) {
    throw damagedImage(`grain tables of ${tableEntries} entries, and 1 to 512 are possible`);
  }
  const grainBytes = grainSectors * SECTOR_BYTES;
  const directoryEntries = Math.ceil(capacityBytes / (grainBytes * tableEntries));
  if (directoryEntries > MAX_DIRECTORY_ENTRIES) {
    throw unreadableImage('its grains are too small for a disk of its size');
  }
  return { capacityBytes, grainBytes, tableEntries, directoryEntries };
}

function readPlaces(view: DataView, isRedundant: boolean) {
  const descriptorBytes = readSectors(view, 36, 'descriptor size');
  if (descriptorBytes > MAX_DESCRIPTOR_BYTES) throw damagedImage('a descriptor of over 1 MiB');
  const offset = readSectors(view, 28, 'descriptor offset');
  const isAtEnd = view.getBigUint64(56, true) === 0xffff_ffff_ffff_ffffn;
  return {
    descriptor:
      offset === 0 || descriptorBytes === 0 ? undefined : { offset, bytes: descriptorBytes },
    redundantDirectoryOffset: isRedundant ? readSectors(view, 48, 'place of tables') : undefined,
    directoryOffset: isAtEnd ? undefined : readSectors(view, 56, 'place of tables'),
    overheadBytes: Math.max(SECTOR_BYTES, readSectors(view, 64, 'overhead')),
  };
}

function readCompression(view: DataView, flags: number) {
  const isCompressed = (flags & FLAG_COMPRESSED) !== 0;
  const hasMarkers = (flags & FLAG_MARKERS) !== 0;
  const algorithm = view.getUint16(77, true);
  if (isCompressed && algorithm !== 1) {
    throw unreadableImage(`its grains are compressed in way ${algorithm}, and only 1 is known`);
  }
  if (isCompressed && !hasMarkers) {
    throw unreadableImage('its grains are compressed, but no marker says how long they are');
  }
  return { isCompressed, hasMarkers };
}

/** Sectors as bytes. What no file can hold is refused here, so that sums of two stay exact. */
function readSectors(view: DataView, at: number, what: string): number {
  const bytes = Number(view.getBigUint64(at, true)) * SECTOR_BYTES;
  if (bytes > 2 ** 52) throw damagedImage(`the ${what} of the VMDK header is impossible`);
  return bytes;
}
