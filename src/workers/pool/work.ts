/**
 * One request or task on its way through the pool:
 *
 *   submitted ─▶ queued ─▶ running ─▶ done
 *        └─────────────────▲
 *
 * It is done once, whatever happens at the same time: an answer, the asker leaving, a timeout and
 * the end of the worker. It is handed to one worker at most: nothing is known of how far that one
 * came, so nothing is ever tried again.
 */
import type { DroverError } from '#kernel/errors.ts';
import { ChainNode } from './chain.ts';
import type { PoolWorker } from './pool-worker.ts';

export const OUTCOMES = [
  'answered',
  'failed',
  'cancelled',
  'timeout',
  'crashed',
  'out-of-memory',
  'queue-full',
  'queue-timeout',
  'app-failing',
  'shutting-down',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface WorkOwner {
  /** It is done: it leaves the queue or its worker. */
  settle(work: Work, outcome: Outcome): void;
  /** It may take as long as it likes from now on. */
  exempt(work: Work): void;
}

export abstract class Work {
  /** Its place in the queue, then among what runs. */
  readonly node = new ChainNode<Work>(this);
  protected readonly owner: WorkOwner;
  readonly queuedAt: number;
  startedAt = 0;
  worker: PoolWorker | undefined;
  #isDone = false;

  constructor(owner: WorkOwner, nowMs: number) {
    this.owner = owner;
    this.queuedAt = nowMs;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the asker may be why it takes long: it reads the answer slowly, or sends slowly. */
  get isUpToAsker(): boolean {
    return false;
  }

  /** Hands it to the worker that was chosen. Everything may call back before this returns. */
  abstract begin(worker: PoolWorker): void;

  /** The pool gives it up: tells its worker to stop, and the asker why. */
  abstract fail(error: DroverError, outcome: Outcome): void;

  /** False when it was done before; then nobody is to be told anything. */
  protected finish(outcome: Outcome): boolean {
    if (this.#isDone) return false;
    this.#isDone = true;
    this.owner.settle(this, outcome);
    return true;
  }
}
