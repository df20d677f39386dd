/**
 * The workers of one app that can take more, by how much they have. Choosing one costs the same
 * however many there are.
 *
 * Tasks that are over in no time are handed out ahead: the next ones are with the thread when it is
 * done, which otherwise waits for longer than it works. As soon as one takes longer, none is.
 */
import { Chain } from './chain.ts';
import type { PoolWorker } from './pool-worker.ts';

/** Tasks shorter than this may wait behind each other. */
const SHORT_MS = 2;
const AHEAD = 3;
/** How slowly a long one is forgotten. */
const WEIGHT_OF_LATEST = 0.05;

export class OpenWorkers {
  readonly #concurrency: number;
  readonly #looksAhead: boolean;
  /** Of one task; a longer one counts in full. */
  #typicalMs = SHORT_MS;
  /** At each load, the most recently used first: so the others grow idle, and can go. */
  readonly #byLoad: Chain<PoolWorker>[] = [];
  /** No worker has less than this. */
  #lowest = 0;

  constructor(concurrency: number, { looksAhead }: { readonly looksAhead: boolean }) {
    this.#concurrency = concurrency;
    this.#looksAhead = looksAhead;
  }

  /** One piece of work took so long, from its hand-over on. */
  took(ms: number): void {
    const isLonger = ms > this.#typicalMs;
    this.#typicalMs = isLonger ? ms : this.#typicalMs + (ms - this.#typicalMs) * WEIGHT_OF_LATEST;
  }

  /** The one with least in flight. */
  pick(): PoolWorker | undefined {
    for (; this.#lowest < this.#byLoad.length; this.#lowest += 1) {
      const worker = this.#byLoad[this.#lowest]?.first;
      if (worker !== undefined) return worker;
    }
    return undefined;
  }

  /** The one that has been idle for longest. */
  get longestIdle(): PoolWorker | undefined {
    return this.#byLoad[0]?.last;
  }

  /**
   * To be called when it was just used, at the load it has now. One that may still be at work on
   * what was given up comes after all others with its load.
   */
  place(worker: PoolWorker): void {
    const load = worker.inFlight;
    const ahead = this.#looksAhead && this.#typicalMs < SHORT_MS ? AHEAD : 0;
    if (load >= this.#concurrency + ahead) {
      this.remove(worker);
      return;
    }
    while (this.#byLoad.length <= load) this.#byLoad.push(new Chain());
    if (worker.suspectSince === undefined) this.#byLoad[load]?.unshift(worker.openNode);
    else this.#byLoad[load]?.push(worker.openNode);
    this.#lowest = Math.min(this.#lowest, load);
  }

  remove(worker: PoolWorker): void {
    worker.openNode.chain?.remove(worker.openNode);
  }
}
