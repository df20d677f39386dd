/** Disks made up for tests: what is written to them, in which order, and what they then hold. */
import { open } from 'node:fs/promises';
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';

/** Deflate leaves next to nothing of `text`, half of `mixed`, and `noise` as it is. */
export type Filling = 'zeros' | 'text' | 'mixed' | 'noise';

/** The same for the same offset; each sector differs from every other. */
export function fill(filling: Filling, offset: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  if (filling === 'zeros') return data;
  for (let at = 0; at < length; at += 512) {
    const sector = (offset + at) / 512;
    const isText = filling === 'text' || (filling === 'mixed' && sector % 2 === 0);
    if (isText) data.fill(`sector ${sector} of the disk, `, at, at + 512, 'latin1');
    else fillWithNoise(data, at, sector + 1);
  }
  return data;
}

/** By a xorshift: nothing that deflate could find a way to shorten. */
function fillWithNoise(data: Buffer, start: number, seed: number): void {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let at = start; at < start + 512; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data.writeInt32LE(state, at);
  }
}

export interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly filling: Filling;
}

export function toChunk({ offset, length, filling }: Piece): DiskChunk {
  return { offset, data: fill(filling, offset, length) };
}

/** A raw file with the same content, written as simply as can be. */
export async function writeModel(
  path: string,
  capacityBytes: number,
  chunks: Iterable<DiskChunk>,
): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(capacityBytes);
  for (const { offset, data } of chunks) await file.write(data, 0, data.byteLength, offset);
}

/** In an order that is always the same, and not theirs. */
export function shuffle<T>(items: readonly T[]): T[] {
  const keyed = items.map((item, index) => ({ item, key: Math.imul(index + 7, 0x9e3779b1) >>> 0 }));
  return keyed.toSorted((one, other) => one.key - other.key).map(({ item }) => item);
}

/** A reader of pieces in the order in which they are; `onChunk` is told before each. */
export function createPieceReader(
  capacityBytes: number,
  pieces: readonly Piece[],
  onChunk: (index: number) => void = () => undefined,
): DiskReader {
  return {
    capacityBytes,
    async *chunks({ fromOffset = 0 }: ReadDiskOptions) {
      for (const [index, piece] of pieces.entries()) {
        onChunk(index);
        const cut = fromOffset === 0 ? 0 : Math.max(0, fromOffset - piece.offset);
        if (cut >= piece.length) continue;
        yield toChunk({ ...piece, offset: piece.offset + cut, length: piece.length - cut });
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
