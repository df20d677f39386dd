/**
 * Replaces the workers of one app that have served long enough, one at a time:
 *
 *   due ─▶ set aside, still at work ─▶ another one started ─▶ drains ─▶ ended ─▶ the next
 *                    └── enough without it, or no room for another within 10 s ─▲
 *
 * An app that fails to start keeps its old worker for as long as that one lives.
 */
import { SECOND_MS } from '#kernel/units.ts';
import type { EndReason } from '#workers/worker-view.ts';
import type { PoolWorker } from './pool-worker.ts';

const PATIENCE_MS = 10 * SECOND_MS;

export interface RecyclerHost {
  /** Whether the app has all it should have. */
  hasEnough(): boolean;
  /** It no longer counts among those the app has. */
  setAside(worker: PoolWorker): void;
  drain(worker: PoolWorker, reason: EndReason): void;
}

export class Recycler {
  readonly #host: RecyclerHost;
  readonly #due = new Map<PoolWorker, EndReason>();
  #old: PoolWorker | undefined;
  #reason: EndReason = 'max-requests';
  #since = 0;

  constructor(host: RecyclerHost) {
    this.#host = host;
  }

  /** A worker that is set aside and still at work, waiting for the one that replaces it. */
  get waiting(): PoolWorker | undefined {
    return this.#old?.isDraining === false ? this.#old : undefined;
  }

  /** How many wait for their turn or have it. */
  get size(): number {
    return this.#due.size + (this.#old === undefined ? 0 : 1);
  }

  add(worker: PoolWorker, reason: EndReason, nowMs: number): void {
    if (worker.isDraining || worker === this.#old || this.#due.has(worker)) return;
    this.#due.set(worker, reason);
    this.#next(nowMs);
  }

  /** A worker of the app has started. */
  started(): void {
    if (this.waiting !== undefined) this.#host.drain(this.waiting, this.#reason);
  }

  ended(worker: PoolWorker, nowMs: number): void {
    this.#due.delete(worker);
    if (worker !== this.#old) return;
    this.#old = undefined;
    this.#next(nowMs);
  }

  look(nowMs: number, mayStart: boolean): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    const isOutOfPatience = mayStart && nowMs - this.#since >= PATIENCE_MS;
    if (isOutOfPatience || this.#host.hasEnough()) this.#host.drain(waiting, this.#reason);
  }

  #next(nowMs: number): void {
    if (this.#old !== undefined) return;
    const [next] = this.#due;
    if (next === undefined) return;
    const [worker, reason] = next;
    this.#due.delete(worker);
    this.#old = worker;
    this.#reason = reason;
    this.#since = nowMs;
    this.#host.setAside(worker);
    if (this.#host.hasEnough()) this.#host.drain(worker, reason);
  }
}
