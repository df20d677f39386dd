/**
 * Copies a disk into an image in one pass. Every now and then it makes a mark: what lies before the
 * mark's offset is then on the disk here, with its digests, and need not be asked for again.
 */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { DigestJournal } from './digest-journal.ts';
import { DIGEST_BLOCK_BYTES, type DiskDigests } from './disk-digests.ts';
import type { DiskChunk, DiskReader } from './disk-reader.ts';
import type { DiskMark, DiskWriter } from './disk-writer.ts';
import { damagedImage } from './image-errors.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { inOrder } from './stream/ordered-window.ts';
import { DiskWork } from './work/disk-work.ts';

const MARK_EVERY_BYTES = 64 * MIB;
const REPORT_EVERY_MS = SECOND_MS / 4;
const SECTOR_BYTES = 512;
/** How many chunks of a MiB are hashed at a time, with those that wait to be written. */
const MOST_HASHED_AT_ONCE = 4;

/** JSON: it goes into a checkpoint. */
export interface CopyMark {
  /** Where the reader is to go on: its `fromOffset`. */
  readonly offset: number;
  readonly image: DiskMark;
  /** Of `DigestJournal.resume`. */
  readonly journalBytes: number;
}

export interface CopyProgress {
  /** How far into the disk; at the end its capacity. */
  readonly doneBytes: number;
  /** What came from the reader in this run. */
  readonly movedBytes: number;
  /** What of it was zero. */
  readonly zeroBytes: number;
}

export interface CopyMarks {
  /** Its digests are those of the copy. */
  readonly journal: DigestJournal;
  /** Of what came from the reader; 64 MiB unless said. */
  readonly everyBytes?: number;
  /** The last one, at the end of the disk, says that all is there. */
  readonly onMark: (mark: CopyMark) => Promise<void>;
}

export interface CopyDiskOptions {
  readonly reader: DiskReader;
  readonly writer: DiskWriter;
  readonly digests: DiskDigests;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** That of the writer; absent: all is done by this thread alone. */
  readonly work?: DiskWork;
  /** The offset of the mark that it goes on from. */
  readonly fromOffset?: number;
  /** Only for sources that can be asked for the rest of a disk, and give it in ascending order. */
  readonly marks?: CopyMarks;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly limiter?: RateLimiter;
}

interface HashedChunk extends DiskChunk {
  readonly hashes: Uint8Array;
}

/** The writer is finished after it, and not yet disposed. */
export async function copyDisk(options: CopyDiskOptions): Promise<CopyProgress> {
  const { reader, writer, marks, digests } = options;
  if (reader.capacityBytes !== writer.capacityBytes) {
    throw new DroverError(
      'failed_precondition',
      `the disk has ${reader.capacityBytes} bytes and the image ${writer.capacityBytes}`,
      { reason: 'DISK_SIZE_DIFFERS' },
    );
  }
  if (marks !== undefined && marks.journal.digests !== digests) {
    throw new Error('the digests of a copy are those of its journal');
  }
  const copy = new Copy(options);
  return await copy.run();
}

class Copy {
  readonly #options: CopyDiskOptions;
  #doneBytes: number;
  #movedBytes = 0;
  #markedBytes = 0;
  #markOffset: number;
  #reportedMs = -Infinity;

  constructor(options: CopyDiskOptions) {
    this.#options = options;
    this.#doneBytes = options.fromOffset ?? 0;
    this.#markOffset = this.#doneBytes;
  }

  async run(): Promise<CopyProgress> {
    const { reader, writer, digests, signal, work = DiskWork.alone() } = this.#options;
    const chunks = reader.chunks({ fromOffset: this.#doneBytes, work, signal });
    const hash = (chunk: DiskChunk) => this.#hash(chunk, work);
    for await (const chunk of inOrder(chunks, hash, this.#hashedAtOnce())) {
      signal.throwIfAborted();
      await this.#take(chunk);
    }
    signal.throwIfAborted();
    digests.close();
    this.#doneBytes = writer.capacityBytes;
    const { marks } = this.#options;
    if (marks !== undefined) await this.#mark(marks, writer.capacityBytes);
    await writer.finish();
    const progress = this.#progress();
    this.#options.onProgress?.(progress);
    return progress;
  }

  /** What is under way when a copy breaks off comes again, so it is little beside its marks. */
  #hashedAtOnce(): number {
    const { marks } = this.#options;
    if (marks === undefined) return MOST_HASHED_AT_ONCE;
    const share = Math.floor((marks.everyBytes ?? MARK_EVERY_BYTES) / (4 * MIB));
    return Math.min(MOST_HASHED_AT_ONCE, Math.max(1, share));
  }

  async #hash({ offset, data }: DiskChunk, work: DiskWork): Promise<HashedChunk> {
    const { writer, digests } = this.#options;
    const end = offset + data.byteLength;
    if (offset % SECTOR_BYTES !== 0 || data.byteLength % SECTOR_BYTES !== 0) {
      throw damagedImage(`it has a piece of ${data.byteLength} bytes at ${offset}`);
    }
    if (offset < 0 || end > writer.capacityBytes) {
      throw damagedImage(`it has data at ${offset}, and ends before`);
    }
    const blocks = digests.wholeBlocks(offset, data);
    return {
      offset,
      data,
      hashes: await work.hash({ data: blocks, blockBytes: DIGEST_BLOCK_BYTES }),
    };
  }

  async #take({ offset, data, hashes }: HashedChunk): Promise<void> {
    const { writer, digests, marks, limiter, signal } = this.#options;
    const end = offset + data.byteLength;
    if (marks !== undefined && offset < this.#markOffset) throw outOfOrder(offset);
    await limiter?.take(data.byteLength, signal);
    digests.add(offset, data, hashes);
    await writer.write(offset, data);
    this.#movedBytes += data.byteLength;
    this.#doneBytes = Math.max(this.#doneBytes, end);
    const { everyBytes = MARK_EVERY_BYTES } = marks ?? {};
    if (marks !== undefined && this.#movedBytes - this.#markedBytes >= everyBytes) {
      // A block that came in part comes again as a whole.
      await this.#mark(marks, this.#doneBytes - (this.#doneBytes % DIGEST_BLOCK_BYTES));
    }
    this.#report();
  }

  async #mark({ journal, onMark }: CopyMarks, offset: number): Promise<void> {
    const { writer, digests } = this.#options;
    digests.closeBefore(offset);
    const [image, journalBytes] = await Promise.all([writer.flush(), journal.save()]);
    this.#markedBytes = this.#movedBytes;
    this.#markOffset = offset;
    await onMark({ offset, image, journalBytes });
  }

  #report(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = nowMs;
    this.#options.onProgress?.(this.#progress());
  }

  #progress(): CopyProgress {
    const { zeroBytes } = this.#options.digests;
    return { doneBytes: this.#doneBytes, movedBytes: this.#movedBytes, zeroBytes };
  }
}

function outOfOrder(offset: number): DroverError {
  return new DroverError(
    'failed_precondition',
    'the source does not give the disk in ascending order, so that a copy of it cannot be resumed',
    { reason: 'DISK_OUT_OF_ORDER', context: { offset } },
  );
}
