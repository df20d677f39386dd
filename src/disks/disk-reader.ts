/** What can be read as the content of a disk, whatever format it is kept in. */
import type { DiskWork } from './work/disk-work.ts';

export interface DiskChunk {
  /** In bytes from the start of the disk; a multiple of 512. */
  readonly offset: number;
  /** Whoever gets it may keep it: nobody else writes to it. Memory of a `DiskWork` goes back. */
  readonly data: Uint8Array;
}

export interface ReadDiskOptions {
  /** What lies before it is left out. */
  readonly fromOffset?: number;
  /** Who does what is heavy, and has the memory for chunks, which is given back to it. */
  readonly work?: DiskWork;
  readonly signal: AbortSignal;
}

export interface DiskReader extends AsyncDisposable {
  /** A multiple of 512. */
  readonly capacityBytes: number;
  /**
   * What may hold data; all else reads as zeros. No two chunks overlap, none is longer than
   * 1 MiB, and none reaches past the capacity. Ascending, but for a stream that was not so.
   * It ends only when all has come: what is cut off or damaged throws `data_loss`.
   */
  chunks(options: ReadDiskOptions): AsyncIterable<DiskChunk>;
}
