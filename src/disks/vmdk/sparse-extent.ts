/**
 * One file with grains in it, read by its tables and not in the order of the file: a whole
 * monolithic disk, a part of a split one, or a stream that was saved.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import type { DiskChunk, ReadDiskOptions } from '#disks/disk-reader.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { inOrder } from '#disks/stream/ordered-window.ts';
import { DiskWork } from '#disks/work/disk-work.ts';
import { MIB } from '#kernel/units.ts';
import { assertWholeDisk } from './descriptor.ts';
import { GrainDirectory, type GrainPlace } from './grain-directory.ts';
import { cutBefore, inflateBatch, mostCompressedBytes } from './grain-batch.ts';
import {
  assertFooterAgrees,
  parseSparseHeader,
  SECTOR_BYTES,
  type SparseHeader,
} from './sparse-header.ts';
import { GRAIN_MARKER_BYTES, parseGrainMarker } from './stream-markers.ts';

const RUN_BYTES = MIB;
const RUNS_AT_ONCE = 6;
/** The footer, then a sector that ends the stream. */
const FOOTER_FROM_END = 2 * SECTOR_BYTES;

/** Grains that are read in one go. */
interface Run {
  readonly fileOffset: number;
  readonly bytes: number;
  readonly grains: readonly GrainPlace[];
}

export async function openSparseExtent(
  source: RangeSource,
  signal: AbortSignal,
): Promise<SparseExtent> {
  const read = async (offset: number, length: number) => {
    if (offset + length > source.sizeBytes) throw damagedImage('a sparse extent of it is cut off');
    return await source.read(offset, length, signal);
  };
  const header = parseSparseHeader(await read(0, SECTOR_BYTES));
  const { descriptor } = header;
  if (descriptor !== undefined) assertWholeDisk(await read(descriptor.offset, descriptor.bytes));
  if (header.directoryOffset !== undefined) return new SparseExtent(source, header);
  if (source.sizeBytes < 2 * FOOTER_FROM_END) throw damagedImage('a sparse extent is cut off');
  const footer = await read(source.sizeBytes - FOOTER_FROM_END, SECTOR_BYTES);
  return new SparseExtent(source, withFooter(header, parseSparseHeader(footer)));
}

function withFooter(header: SparseHeader, footer: SparseHeader): SparseHeader {
  assertFooterAgrees(header, footer);
  if (footer.directoryOffset === undefined) throw damagedImage('its footer names no directory');
  return footer;
}

export class SparseExtent {
  readonly header: SparseHeader;
  readonly #source: RangeSource;
  readonly #directory: GrainDirectory;

  constructor(source: RangeSource, header: SparseHeader) {
    this.#source = source;
    this.header = header;
    this.#directory = new GrainDirectory(source, header);
  }

  async *chunks({
    fromOffset = 0,
    signal,
    work = DiskWork.alone(),
  }: ReadDiskOptions): AsyncGenerator<DiskChunk, void, undefined> {
    const { isCompressed } = this.header;
    const read = (run: Run) =>
      isCompressed ? this.#inflate(run, work, signal) : this.#read(run, work, signal);
    for await (const chunks of inOrder(this.#runs(fromOffset, signal), read, RUNS_AT_ONCE)) {
      for (const chunk of chunks) {
        const wanted = cutBefore(fromOffset, chunk, work);
        if (wanted !== undefined) yield wanted;
      }
    }
  }

  async *#runs(fromOffset: number, signal: AbortSignal): AsyncGenerator<Run, void, undefined> {
    for await (const table of this.#directory.tables(fromOffset, signal)) {
      let run: Run | undefined;
      for (const grain of table) {
        const longer = run && this.#append(run, grain);
        if (run !== undefined && longer === undefined) yield run;
        run = longer ?? this.#toRun([grain], grain.fileOffset, grain);
      }
      if (run !== undefined) yield run;
    }
  }

  /**
   * The run with one grain more, if that can be read with it. Compressed grains only have to
   * follow in the file; plain ones are one chunk when they are joined.
   */
  #append({ grains, fileOffset }: Run, next: GrainPlace): Run | undefined {
    const last = grains.at(-1);
    const { grainBytes, isCompressed } = this.header;
    if (last === undefined || (grains.length + 1) * grainBytes > RUN_BYTES) return undefined;
    const isNext = isCompressed
      ? next.fileOffset > last.fileOffset &&
        next.fileOffset - fileOffset + this.#mostPackedBytes() <= RUN_BYTES
      : next.fileOffset === last.fileOffset + grainBytes &&
        next.diskOffset === last.diskOffset + grainBytes;
    return isNext ? this.#toRun([...grains, next], fileOffset, next) : undefined;
  }

  #toRun(grains: readonly GrainPlace[], fileOffset: number, last: GrainPlace): Run {
    const { grainBytes, isCompressed, capacityBytes } = this.header;
    const lastBytes = isCompressed
      ? Math.min(this.#mostPackedBytes(), this.#source.sizeBytes - last.fileOffset)
      : Math.min(grainBytes, capacityBytes - last.diskOffset);
    return { fileOffset, bytes: last.fileOffset - fileOffset + lastBytes, grains };
  }

  #mostPackedBytes(): number {
    return GRAIN_MARKER_BYTES + mostCompressedBytes(this.header.grainBytes);
  }

  async #read(run: Run, work: DiskWork, signal: AbortSignal): Promise<readonly DiskChunk[]> {
    const target = work.takeBuffer(run.bytes);
    const data = await this.#source.read(run.fileOffset, run.bytes, signal, target);
    return run.grains.slice(0, 1).map(({ diskOffset }) => ({ offset: diskOffset, data }));
  }

  async #inflate(run: Run, work: DiskWork, signal: AbortSignal): Promise<readonly DiskChunk[]> {
    const target = work.takePacked(run.bytes);
    const packed = await this.#source.read(run.fileOffset, run.bytes, signal, target);
    const grains = run.grains.map(({ diskOffset, fileOffset }) => {
      const at = fileOffset - run.fileOffset;
      const marker = parseGrainMarker(packed.subarray(at));
      const start = at + GRAIN_MARKER_BYTES;
      const end = start + marker.dataBytes;
      if (marker.diskOffset !== diskOffset || marker.dataBytes === 0 || end > packed.byteLength) {
        throw damagedImage(`the grain for byte ${diskOffset} of the disk is not in its place`);
      }
      return { diskOffset, start, length: marker.dataBytes };
    });
    const chunks = await inflateBatch({ packed, grains }, this.header, work);
    work.giveBack(target);
    return chunks;
  }
}
