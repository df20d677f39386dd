/** A disk that is kept as it is, byte for byte: all of a file, or a part of one. */
import type { RangeSource } from '#disks/byte-source.ts';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { inOrder } from '#disks/stream/ordered-window.ts';
import { MIB } from '#kernel/units.ts';

const SECTOR_BYTES = 512;
const CHUNK_BYTES = MIB;
/** While one is being written, the next ones come from the disk. */
const READS_AT_ONCE = 4;

/** Disposing the reader disposes the source. */
export function createRawReader(source: RangeSource): DiskReader {
  const capacityBytes = Math.ceil(source.sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
  return {
    capacityBytes,
    chunks: ({ fromOffset = 0, ...options }) =>
      readFlat(source, { start: 0, bytes: capacityBytes, fromOffset, ...options }),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

export interface FlatPart extends ReadDiskOptions {
  /** Where in the source it begins. */
  readonly start: number;
  /** How much of the source it is. The last sector may be one that the source has half of. */
  readonly bytes: number;
  /** What lies before, counted from `start`, is left out. */
  readonly fromOffset: number;
}

/** What is not a hole of the source, with offsets counted from the start of the part. */
export async function* readFlat(
  source: RangeSource,
  part: FlatPart,
): AsyncGenerator<DiskChunk, void, undefined> {
  const read = async ({ offset, length }: { offset: number; length: number }) => {
    const present = Math.min(length, source.sizeBytes - part.start - offset);
    const target = part.work?.takeBuffer(present);
    const data = await source.read(part.start + offset, present, part.signal, target);
    if (present === length) return { offset, data };
    const padded = new Uint8Array(length);
    padded.set(data);
    part.work?.giveBack(data);
    return { offset, data: padded };
  };
  yield* inOrder(pieces(source, part), read, READS_AT_ONCE);
}

/** Holes need not begin and end with a sector of the disk; pieces do. */
async function* pieces(source: RangeSource, part: FlatPart) {
  const { signal } = part;
  let at = part.fromOffset;
  while (at < part.bytes) {
    signal.throwIfAborted();
    const stretch = await source.nextData(part.start + at, signal);
    if (stretch === undefined) return;
    const end = Math.min(part.bytes, toSectors(stretch.offset + stretch.length - part.start));
    at = Math.max(at, toSectors(stretch.offset - part.start - SECTOR_BYTES + 1));
    while (at < end) {
      const length = Math.min(CHUNK_BYTES - (at % CHUNK_BYTES), end - at);
      yield { offset: at, length };
      at += length;
    }
  }
}

function toSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}
