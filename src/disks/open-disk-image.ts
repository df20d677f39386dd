/** Opens an image for what its first bytes say it is, whatever its name says. */
import { basename, dirname, join } from 'node:path';
import type { RangeSource } from './byte-source.ts';
import type { DiskReader } from './disk-reader.ts';
import { openFileRangeSource } from './file-range-source.ts';
import { damagedImage, unreadableImage } from './image-errors.ts';
import { QCOW2_MAGIC } from './qcow2/qcow2-header.ts';
import { openQcow2Reader } from './qcow2/qcow2-reader.ts';
import { createRawReader } from './raw/raw-reader.ts';
import { isDescriptor, MAX_DESCRIPTOR_BYTES } from './vmdk/descriptor.ts';
import { isSparseHeader } from './vmdk/sparse-header.ts';
import { openDescribedVmdk, openSparseVmdk, type OpenSibling } from './vmdk/vmdk-reader.ts';

const BEGINNING_BYTES = 4096;
const SECTOR_BYTES = 512;

export interface DiskImage extends DiskReader {
  readonly format: 'vmdk' | 'qcow2' | 'raw';
  /** Sentences for its owner, about what is odd and yet no reason not to read it. */
  readonly warnings: readonly string[];
}

export interface OpenImageOptions {
  readonly signal: AbortSignal;
  /** Where the files are that a descriptor names; beside it, when this is absent. */
  readonly openSibling?: OpenSibling;
}

/** What it is by its first bytes; what they do not say is raw. */
export async function readImageFormat(
  source: RangeSource,
  signal: AbortSignal,
): Promise<DiskImage['format']> {
  const beginning = await source.read(0, Math.min(BEGINNING_BYTES, source.sizeBytes), signal);
  if (isSparseHeader(beginning) || isDescriptor(beginning)) return 'vmdk';
  return hasMagic(beginning, QCOW2_MAGIC) ? 'qcow2' : 'raw';
}

export async function openDiskImage(path: string, options: OpenImageOptions): Promise<DiskImage> {
  const { signal } = options;
  const beside: OpenSibling = (name) => openFileRangeSource(join(dirname(path), basename(name)));
  const openSibling = options.openSibling ?? beside;
  return await openDiskImageIn(await openFileRangeSource(path), { signal, openSibling });
}

/** Takes the source over: it is disposed with the image, or here when that fails. */
export async function openDiskImageIn(
  source: RangeSource,
  { signal, openSibling }: Required<OpenImageOptions>,
): Promise<DiskImage> {
  await using stack = new AsyncDisposableStack();
  stack.use(source);
  const beginning = await source.read(0, Math.min(BEGINNING_BYTES, source.sizeBytes), signal);
  if (isSparseHeader(beginning)) {
    const reader = await openSparseVmdk(source, signal);
    stack.move();
    return withFormat(reader, 'vmdk', reader.warnings);
  }
  if (isDescriptor(beginning)) {
    if (source.sizeBytes > MAX_DESCRIPTOR_BYTES) throw damagedImage('a descriptor of over 1 MiB');
    const text = await source.read(0, source.sizeBytes, signal);
    // The descriptor is closed here; what the reader holds are the extents.
    const reader = await openDescribedVmdk(text, openSibling, signal);
    return withFormat(reader, 'vmdk', reader.warnings);
  }
  if (hasMagic(beginning, QCOW2_MAGIC)) {
    const reader = await openQcow2Reader(source, signal);
    stack.move();
    return withFormat(reader, 'qcow2', []);
  }
  await refuseForeign(source, beginning, signal);
  stack.move();
  return withFormat(createRawReader(source), 'raw', []);
}

function withFormat(
  reader: DiskReader,
  format: DiskImage['format'],
  warnings: readonly string[],
): DiskImage {
  return {
    capacityBytes: reader.capacityBytes,
    format,
    warnings,
    chunks: (options) => reader.chunks(options),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function hasMagic(bytes: Uint8Array, magic: number): boolean {
  return (
    bytes.byteLength >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === magic
  );
}

const CONVERT = 'convert it to qcow2 with qemu-img';
const SNAPSHOT = 'consolidate the snapshots of the VM, or export it';

/** Formats that would be taken for raw, and make a disk nothing boots from. */
const FOREIGN: readonly { magic: string; at: number; what: string }[] = [
  { magic: 'COWD', at: 0, what: `it is a delta of a snapshot (vmfsSparse, COWD); ${SNAPSHOT}` },
  {
    magic: '\xbe\xba\xfe\xca\x00\x00\x00\x00',
    at: 0,
    what: `it is a delta of a snapshot (seSparse); ${SNAPSHOT}`,
  },
  { magic: 'vhdxfile', at: 0, what: `it is a VHDX; ${CONVERT}` },
  { magic: 'conectix', at: 0, what: `it is a VHD; ${CONVERT}` },
  { magic: 'QED\0', at: 0, what: `it is a QED image; ${CONVERT}` },
  { magic: '\x7f\x10\xda\xbe', at: 64, what: `it is a VDI; ${CONVERT}` },
];

async function refuseForeign(
  source: RangeSource,
  beginning: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const text = Buffer.from(beginning).toString('latin1');
  const foreign = FOREIGN.find(({ magic, at }) => text.startsWith(magic, at));
  if (foreign !== undefined) throw unreadableImage(foreign.what);
  if (source.sizeBytes < SECTOR_BYTES) return;
  // A VHD of a fixed size says what it is in its last sector only.
  const end = await source.read(source.sizeBytes - SECTOR_BYTES, SECTOR_BYTES, signal);
  if (Buffer.from(end).toString('latin1', 0, 8) === 'conectix') {
    throw unreadableImage(`it is a VHD; ${CONVERT}`);
  }
}
