/** Compressed grains that are inflated in one go: a MiB, so that handing them over is little. */
import type { DiskChunk } from '#disks/disk-reader.ts';
import { damagedImage } from '#disks/image-errors.ts';
import type { DiskWork } from '#disks/work/disk-work.ts';
import { MIB } from '#kernel/units.ts';

/** What the longest batch inflates to, which is as long as a chunk may be. */
const BATCH_BYTES = MIB;

/** How long the compressed form of a grain may be: zlib adds little to what it cannot compress. */
export function mostCompressedBytes(grainBytes: number): number {
  return grainBytes + grainBytes / 8 + 1024;
}

export interface PackedGrain {
  readonly diskOffset: number;
  /** Where in the memory of its batch its compressed form is. */
  readonly start: number;
  readonly length: number;
}

export interface GrainBatch {
  readonly packed: Uint8Array;
  readonly grains: readonly PackedGrain[];
}

/** Collects grains as they come by. */
export class GrainCollector {
  readonly #work: DiskWork;
  readonly #mostGrains: number;
  #memory: Uint8Array | undefined;
  #grains: PackedGrain[] = [];
  #filled = 0;

  constructor(work: DiskWork, grainBytes: number) {
    this.#work = work;
    this.#mostGrains = Math.max(1, Math.floor(BATCH_BYTES / grainBytes));
  }

  hasRoomFor(length: number): boolean {
    return (
      this.#grains.length < this.#mostGrains && this.#filled + length <= this.#work.mostPackedBytes
    );
  }

  /** Where to put the compressed form of it; there must be room. */
  add(diskOffset: number, length: number): Uint8Array {
    this.#memory ??= this.#work.takePacked(this.#work.mostPackedBytes);
    const start = this.#filled;
    this.#grains.push({ diskOffset, start, length });
    this.#filled += length;
    return this.#memory.subarray(start, this.#filled);
  }

  /** Undefined when there is none. */
  take(): GrainBatch | undefined {
    const packed = this.#memory;
    if (packed === undefined) return undefined;
    const batch = { packed, grains: this.#grains };
    this.#memory = undefined;
    this.#grains = [];
    this.#filled = 0;
    return batch;
  }
}

export interface DiskOfGrains {
  readonly grainBytes: number;
  readonly capacityBytes: number;
}

/** Grains that follow one another on the disk are one chunk. */
export async function inflateBatch(
  { packed, grains }: GrainBatch,
  { grainBytes, capacityBytes }: DiskOfGrains,
  work: DiskWork,
): Promise<readonly DiskChunk[]> {
  const into = work.takeBuffer(grains.length * grainBytes);
  const pieces = grains.map(({ start, length }) => [start, length] as const);
  const { lengths, failure } = await work.inflate({ packed, pieces, into, mostBytes: grainBytes });
  const chunks: { offset: number; start: number; end: number }[] = [];
  for (const [index, { diskOffset }] of grains.entries()) {
    const bytes = lengths[index];
    if (bytes === undefined) {
      const what = `the grain at byte ${diskOffset} of the disk does not inflate`;
      throw damagedImage(what, new Error(failure));
    }
    const usedBytes = Math.min(grainBytes, capacityBytes - diskOffset);
    if (bytes !== grainBytes && bytes !== usedBytes) {
      const got = `${bytes} bytes instead of ${grainBytes}`;
      throw damagedImage(`the grain at byte ${diskOffset} of the disk inflates to ${got}`);
    }
    const start = index * grainBytes;
    const end = start + usedBytes;
    const last = chunks.at(-1);
    if (last?.end === start && last.offset + start - last.start === diskOffset) last.end = end;
    else chunks.push({ offset: diskOffset, start, end });
    work.giveBack(into.subarray(end, start + grainBytes));
  }
  return chunks.map(({ offset, start, end }) => ({ offset, data: into.subarray(start, end) }));
}

/** Without what lies before `fromOffset`; undefined when that is all of it. */
export function cutBefore(
  fromOffset: number,
  { offset, data }: DiskChunk,
  work: DiskWork,
): DiskChunk | undefined {
  const skipped = Math.min(data.byteLength, Math.max(0, fromOffset - offset));
  work.giveBack(data.subarray(0, skipped));
  if (skipped === data.byteLength) return undefined;
  return { offset: offset + skipped, data: data.subarray(skipped) };
}
