/**
 * Who does the heavy jobs of one copy: the thread that copies, and one beside it, so that two cores
 * have work.
 *
 *   job ──▶ queue ──▶ side thread, a few ahead
 *             └─────▶ this thread, one for each turn of its loop while the queue is not empty
 *
 * The side thread is started when there has been enough to do that its start pays. So a copy has
 * one thread more and never two, a small disk has none, and nothing waits for one that is not
 * there yet. How many jobs there are at a time is up to those who ask.
 */
import { LentBuffers } from '#disks/lent-buffers.ts';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import {
  JobDoer,
  type DoneJob,
  type HashJob,
  type HeavyJob,
  type Inflated,
  type InflateJob,
} from './heavy-job.ts';
import { SideThread } from './side-thread.ts';

/** So much takes about as long to inflate as a thread to start. */
const SIDE_THREAD_FROM_BYTES = 16 * MIB;
/** For a MiB, and what zlib adds to what it cannot compress. */
const MOST_PACKED_BYTES = MIB + MIB / 4;

export interface DiskWorkOptions {
  /** After how many bytes a side thread is started; Infinity for never. */
  readonly sideThreadFromBytes?: number;
}

interface Waiting {
  readonly job: HeavyJob;
  readonly resolve: (done: DoneJob<HeavyJob>) => void;
  readonly reject: (thrown: unknown) => void;
}

export class DiskWork implements AsyncDisposable {
  readonly mostPackedBytes = MOST_PACKED_BYTES;
  readonly #buffers: LentBuffers;
  readonly #packed: LentBuffers;
  readonly #fromBytes: number;
  readonly #doer = new JobDoer();
  readonly #queue: Waiting[] = [];
  #side: SideThread | undefined;
  #turn: NodeJS.Immediate | undefined;
  #bytes = 0;
  #isEnded = false;

  constructor({ sideThreadFromBytes = SIDE_THREAD_FROM_BYTES }: DiskWorkOptions = {}) {
    this.#fromBytes = sideThreadFromBytes;
    // The garbage collector does not count shared memory, so only who gives it back may have it.
    const isShared = sideThreadFromBytes !== Infinity;
    this.#buffers = new LentBuffers({ isShared, bufferBytes: MIB });
    this.#packed = new LentBuffers({ isShared, bufferBytes: MOST_PACKED_BYTES });
  }

  /** For who reads a disk without one of its own, and gives no memory back. */
  static alone(): DiskWork {
    return new DiskWork({ sideThreadFromBytes: Infinity });
  }

  /** Memory for a chunk; it holds whatever was there before. */
  takeBuffer(length: number): Uint8Array {
    return this.#buffers.take(length);
  }

  /** Memory for what is not inflated yet. */
  takePacked(length: number): Uint8Array {
    return this.#packed.take(length);
  }

  /** Nobody looks at it any more. Of what was taken each part goes back once, in any order. */
  giveBack(data: Uint8Array): void {
    this.#buffers.giveBack(data);
    this.#packed.giveBack(data);
  }

  /** Nobody may change the memory of the job until it is done. */
  async inflate(job: Omit<InflateJob, 'kind'>): Promise<Inflated> {
    return await this.#do<InflateJob>({ kind: 'inflate', ...job }, job.into);
  }

  async hash(job: Omit<HashJob, 'kind'>): Promise<Uint8Array> {
    return await this.#do<HashJob>({ kind: 'hash', ...job }, job.data);
  }

  /** What was not done by then is not done. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    clearImmediate(this.#turn);
    for (const { reject } of this.#queue.splice(0)) reject(ended());
    this.#doer[Symbol.dispose]();
    await this.#side?.[Symbol.asyncDispose]();
  }

  async #do<Job extends HeavyJob>(job: Job, memory: Uint8Array): Promise<DoneJob<Job>> {
    if (this.#isEnded) throw ended();
    this.#bytes += memory.byteLength;
    if (this.#bytes >= this.#fromBytes) this.#side ??= new SideThread();
    // What is not shared would have to be copied to the side thread, and back.
    const isOurs = this.#side === undefined || !(memory.buffer instanceof SharedArrayBuffer);
    const done = isOurs ? this.#doer.do(job) : await this.#enqueue(job);
    return done as DoneJob<Job>;
  }

  async #enqueue(job: HeavyJob): Promise<DoneJob<HeavyJob>> {
    const { promise, resolve, reject } = Promise.withResolvers<DoneJob<HeavyJob>>();
    this.#queue.push({ job, resolve, reject });
    this.#handOut();
    return await promise;
  }

  #handOut(): void {
    if (this.#isEnded) return;
    while (this.#side?.hasRoom === true) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const done = this.#side.do(next.job).finally(() => this.#handOut());
      done.then(next.resolve, next.reject);
    }
    // After what has come meanwhile: answers of the side thread, and of the disk.
    if (this.#queue.length > 0) this.#turn ??= setImmediate(() => this.#doOne());
  }

  #doOne(): void {
    this.#turn = undefined;
    const next = this.#queue.shift();
    if (next === undefined) return;
    try {
      next.resolve(this.#doer.do(next.job));
    } catch (thrown) {
      next.reject(thrown);
    }
    this.#handOut();
  }
}

function ended(): DroverError {
  return new DroverError('cancelled', 'nobody works on the disk any more');
}
