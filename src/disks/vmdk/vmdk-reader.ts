/**
 * A VMDK in files: one sparse file that describes itself, or a text that names the files its
 * extents are in, which are read one after the other as one disk.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { readFlat } from '#disks/raw/raw-reader.ts';
import { parseDescriptor, parseExtentName, type DescribedExtent } from './descriptor.ts';
import { openSparseExtent, type SparseExtent } from './sparse-extent.ts';

/** Opens a file that lies beside the descriptor, by its plain name. */
export type OpenSibling = (name: string) => Promise<RangeSource>;

export interface VmdkReader extends DiskReader {
  /** What is odd about the image and yet no reason not to read it: sentences for its owner. */
  readonly warnings: readonly string[];
}

interface Extent {
  readonly bytes: number;
  /** Offsets are counted from the start of the extent, and nothing reaches past its end. */
  chunks(options: ReadDiskOptions & { readonly fromOffset: number }): AsyncIterable<DiskChunk>;
  readonly isUnclean: boolean;
}

const UNCLEAN = 'it was not closed by whoever wrote to it; its last writes may be missing';

/** Disposing the reader disposes the source. */
export async function openSparseVmdk(
  source: RangeSource,
  signal: AbortSignal,
): Promise<VmdkReader> {
  const extent = await openSparseExtent(source, signal);
  const { capacityBytes } = extent.header;
  return toReader([toExtent(extent, capacityBytes)], source);
}

/** `text` is the descriptor; the reader holds the files of its extents. */
export async function openDescribedVmdk(
  text: Uint8Array,
  openSibling: OpenSibling,
  signal: AbortSignal,
): Promise<VmdkReader> {
  const descriptor = parseDescriptor(text);
  await using stack = new AsyncDisposableStack();
  const extents: Extent[] = [];
  for (const described of descriptor.extents) {
    signal.throwIfAborted();
    if (described.kind === 'zero') {
      extents.push({ bytes: described.bytes, isUnclean: false, chunks: noChunks });
      continue;
    }
    const file = stack.use(await openSibling(parseExtentName(described.name)));
    extents.push(await openExtent(described, file, signal));
  }
  const held = stack.move();
  return toReader(extents, held);
}

async function openExtent(
  described: DescribedExtent,
  source: RangeSource,
  signal: AbortSignal,
): Promise<Extent> {
  const { kind, bytes, name, offset } = described;
  if (kind === 'sparse') {
    const extent = await openSparseExtent(source, signal);
    if (extent.header.capacityBytes < bytes) {
      throw damagedImage(`the extent "${name}" is smaller than its descriptor says`);
    }
    return toExtent(extent, bytes);
  }
  if (source.sizeBytes < offset + bytes) {
    throw damagedImage(`the extent "${name}" ends after ${source.sizeBytes} bytes`);
  }
  return {
    bytes,
    isUnclean: false,
    chunks: (options) => readFlat(source, { start: offset, bytes, ...options }),
  };
}

function toExtent(extent: SparseExtent, bytes: number): Extent {
  return {
    bytes,
    isUnclean: extent.header.isUnclean,
    chunks: (options) => cutAt(extent.chunks(options), bytes),
  };
}

/** The last grain of a sparse extent may hold more than belongs to the disk. */
async function* cutAt(
  chunks: AsyncIterable<DiskChunk>,
  end: number,
): AsyncGenerator<DiskChunk, void, undefined> {
  for await (const { offset, data } of chunks) {
    if (offset >= end) return;
    yield { offset, data: data.subarray(0, end - offset) };
  }
}

async function* noChunks(): AsyncGenerator<DiskChunk, void, undefined> {
  // Zeros are what is not there.
}

function toReader(extents: readonly Extent[], files: AsyncDisposable): VmdkReader {
  return {
    capacityBytes: extents.reduce((sum, extent) => sum + extent.bytes, 0),
    warnings: extents.some((extent) => extent.isUnclean) ? [UNCLEAN] : [],
    chunks: (options) => readExtents(extents, options),
    [Symbol.asyncDispose]: async () => await files[Symbol.asyncDispose](),
  };
}

async function* readExtents(
  extents: readonly Extent[],
  { fromOffset = 0, ...options }: ReadDiskOptions,
): AsyncGenerator<DiskChunk, void, undefined> {
  let start = 0;
  for (const extent of extents) {
    const from = Math.max(0, fromOffset - start);
    if (from < extent.bytes) {
      for await (const { offset, data } of extent.chunks({ ...options, fromOffset: from })) {
        yield { offset: start + offset, data };
      }
    }
    start += extent.bytes;
  }
}
