/**
 * The workers of one app that can take more, by how much they have. Choosing one costs the same
 * however many there are.
 */
import { Chain } from './chain.ts';
import type { PoolWorker } from './pool-worker.ts';

export class OpenWorkers {
  readonly #concurrency: number;
  /** At each load, the most recently used first: so the others grow idle, and can go. */
  readonly #byLoad: Chain<PoolWorker>[] = [];
  /** No worker has less than this. */
  #lowest = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
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
    if (load >= this.#concurrency) {
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
