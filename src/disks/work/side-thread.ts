/** A thread beside the one that copies, for jobs whose memory both see. */
import { Worker } from 'node:worker_threads';
import { DroverError } from '#kernel/errors.ts';
import type { DoneJob, HeavyJob } from './heavy-job.ts';

/** The memory of disks is outside of its heap. */
const HEAP_MIB = 64;
/** Enough to go on with while its owner is at a job of its own. */
const JOBS_AHEAD = 4;

interface Waiter {
  readonly resolve: (done: DoneJob<HeavyJob>) => void;
  readonly reject: (thrown: unknown) => void;
}

export class SideThread implements AsyncDisposable {
  readonly #worker: Worker;
  /** In the order of their jobs, which is that of the answers. */
  readonly #waiting: Waiter[] = [];
  #isReady = false;
  #failure: Error | undefined;

  constructor() {
    this.#worker = new Worker(new URL('side-thread-main.ts', import.meta.url), {
      name: 'disk',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    this.#worker.once('online', () => (this.#isReady = true));
    this.#worker.on('message', (done: DoneJob<HeavyJob>) => this.#waiting.shift()?.resolve(done));
    this.#worker.on('error', (thrown) => this.#end(thrown));
    this.#worker.once('exit', () => this.#end(undefined));
  }

  /** It takes no jobs until it runs, nor after it ended. */
  get hasRoom(): boolean {
    return this.#isReady && this.#failure === undefined && this.#waiting.length < JOBS_AHEAD;
  }

  /** The memory of the job is shared, and the thread's until the answer. */
  async do(job: HeavyJob): Promise<DoneJob<HeavyJob>> {
    if (this.#failure !== undefined) throw this.#failure;
    return await new Promise<DoneJob<HeavyJob>>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(job);
    });
  }

  /** What it had yet to do is not done, and whoever waits for it is told so. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #end(cause: unknown): void {
    this.#failure ??= new DroverError('internal', 'the thread that works on the disk ended', {
      cause,
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
