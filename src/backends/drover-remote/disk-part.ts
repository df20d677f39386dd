/** What is sent of a disk in one request: what it holds from an offset on, without its zeros. */
import type { RangeSource } from '#disks/byte-source.ts';
import type { RateLimiter } from '#disks/rate-limiter.ts';
import { findDataRuns } from '#disks/zero-detect.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { encodeExtent } from '#machines/disk-extents.ts';

/** Of data; zeros cost nothing, so a part may have any number of them. */
const PART_BYTES = 64 * MIB;
const READ_BYTES = MIB;
/** Zeros shorter than this travel: telling of them costs as much as it saves. */
const BLOCK_BYTES = 64 * 1024;
/** So many zeros are told of at the latest: nobody is to think that nothing moves. */
const MOST_ZEROS = GIB;

interface PartOptions {
  readonly offset: number;
  readonly limiter: RateLimiter;
  readonly signal: AbortSignal;
  /** How far on the disk, as it is handed over. */
  readonly onProgress: (offset: number) => void;
}

/** Extents, in pieces that pass even where little may. */
export async function* readPart(
  source: RangeSource,
  { offset, limiter, signal, onProgress }: PartOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const { sizeBytes } = source;
  let told = offset;
  let sentBytes = 0;
  for (let at = offset; at < sizeBytes && sentBytes < PART_BYTES;) {
    const stretch = await source.nextData(at, signal);
    if (stretch === undefined) break;
    at = stretch.offset;
    const data = await source.read(at, Math.min(READ_BYTES, stretch.length), signal);
    for (const { start, end } of findDataRuns(data, at, BLOCK_BYTES)) {
      if (at + start > told) yield encodeExtent('zeros', at + start - told);
      yield encodeExtent('data', end - start);
      for (let from = start; from < end; from += BLOCK_BYTES) {
        const piece = data.subarray(from, Math.min(from + BLOCK_BYTES, end));
        await limiter.take(piece.length, signal);
        yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
        onProgress(at + from + piece.length);
      }
      told = at + end;
      sentBytes += end - start;
    }
    at += data.length;
    if (at - told < MOST_ZEROS) continue;
    yield encodeExtent('zeros', at - told);
    told = at;
  }
  // What follows the last data, to the end of the disk or of what this part has looked at.
  if (sentBytes < PART_BYTES && told < sizeBytes) yield encodeExtent('zeros', sizeBytes - told);
}
