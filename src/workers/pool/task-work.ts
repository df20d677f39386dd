/** A task of the platform on its way to a thread, as the promise that its caller waits for. */
import { toDroverError } from '#kernel/errors.ts';
import type { AppKey } from '#workers/worker-app.ts';
import { cancelled } from './pool-errors.ts';
import type { PoolWorker } from './pool-worker.ts';
import { Work, type Outcome, type WorkOwner } from './work.ts';

export interface TaskName {
  /** The URL of a module. */
  readonly module: string;
  /** One of its exports. */
  readonly name: string;
}

export interface TaskOptions {
  /** Whose threads: of the short tasks unless said. */
  readonly key?: AppKey;
  readonly signal?: AbortSignal;
  /** Buffers of the input that move to the thread and are empty here afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
  readonly onProgress?: (value: unknown) => void;
}

export interface AskedTask {
  readonly task: TaskName;
  readonly input: unknown;
  readonly options: TaskOptions;
}

export class TaskWork extends Work {
  readonly #answer = Promise.withResolvers<unknown>();
  /** Until a thread has it: neither the input nor the asker's signal is kept for longer. */
  #asked: AskedTask | undefined;
  #onAbort: (() => void) | undefined;

  constructor(owner: WorkOwner, nowMs: number, asked: AskedTask) {
    super(owner, nowMs);
    this.#asked = asked;
    const { signal } = asked.options;
    if (signal === undefined) return;
    this.#onAbort = () => this.fail(abortReason(signal), 'cancelled');
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get answer(): Promise<unknown> {
    return this.#answer.promise;
  }

  begin(worker: PoolWorker): void {
    const asked = this.#takeAsked();
    if (asked === undefined) return;
    const { task, input, options } = asked;
    try {
      worker.tasks.run(task.module, task.name, input, options).then(
        (value) => {
          if (this.finish('answered')) this.#answer.resolve(value);
        },
        (thrown: unknown) => this.#fail(thrown, options.signal),
      );
    } catch (thrown) {
      // An input that cannot cross to a thread.
      this.#fail(thrown, undefined);
    }
  }

  /** What a thread works on is stopped by its signal, or with the thread. */
  fail(error: Error, outcome: Outcome): void {
    this.#takeAsked();
    if (this.finish(outcome)) this.#reject(error);
  }

  #takeAsked(): AskedTask | undefined {
    const asked = this.#asked;
    this.#asked = undefined;
    if (this.#onAbort !== undefined) {
      asked?.options.signal?.removeEventListener('abort', this.#onAbort);
      this.#onAbort = undefined;
    }
    return asked;
  }

  #fail(thrown: unknown, signal: AbortSignal | undefined): void {
    const outcome = signal?.aborted === true ? 'cancelled' : 'failed';
    if (this.finish(outcome)) this.#reject(thrown);
  }

  #reject(thrown: unknown): void {
    this.#answer.reject(thrown instanceof Error ? thrown : toDroverError(thrown));
  }
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : cancelled();
}
