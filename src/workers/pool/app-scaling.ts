/** Whether an app wants more workers or fewer, by the rules of scaling.ts. */
import type { WorkerLimits } from '#workers/worker-app.ts';
import { LoopWindow } from './loop-window.ts';
import {
  areLoopsShort,
  desiredWorkers,
  hasSurplus,
  isReserveShort,
  SLOTS_FOR_RESERVE,
  TARGET_LOAD,
  workersNeeded,
  type AppLoad,
  type LoopLoad,
} from './scaling.ts';

/**
 * How badly an app wants a worker. `starving`: work waits and there is nobody to do it. `needed`:
 * work waits, or the floor is not reached; others may lose an idle worker for it. `wished`: it
 * would do good where there is room.
 */
export type Need = 'starving' | 'needed' | 'wished' | 'none';

export class AppScaling {
  readonly #limits: WorkerLimits;
  readonly #window = new LoopWindow();
  #changedAt: number;

  constructor(limits: WorkerLimits, nowMs: number) {
    this.#limits = limits;
    this.#changedAt = nowMs;
  }

  need(load: AppLoad, nowMs: number, isReplacing: boolean): Need {
    if (workersNeeded(load) > 0) {
      return load.have === 0 && load.queued > 0 ? 'starving' : 'needed';
    }
    if (isReplacing && load.creating === 0 && !this.isSatisfied(load)) return 'wished';
    const isShort = isReserveShort(load) || areLoopsShort(load, this.#loops(nowMs));
    return isShort && load.have < this.#limits.maxWorkers ? 'wished' : 'none';
  }

  /** Whether the app has all that it should. */
  isSatisfied(load: AppLoad): boolean {
    return load.have >= desiredWorkers(load);
  }

  /** A look without cost at whether `need` might be for a reserve: by what the emptiest has. */
  mayLackReserve(leastInFlight: number): boolean {
    const { concurrency } = this.#limits;
    return concurrency >= SLOTS_FOR_RESERVE && leastInFlight > concurrency * TARGET_LOAD - 1;
  }

  /** One was added or taken away for another reason than work that waits. */
  changed(nowMs: number): void {
    this.#changedAt = nowMs;
  }

  /** Every second, of the workers there are. */
  sample(utilizations: readonly number[]): void {
    if (utilizations.length === 0) {
      this.#window.clear();
      return;
    }
    const sum = utilizations.reduce((total, each) => total + each, 0);
    this.#window.add(sum / utilizations.length);
  }

  hasSurplus(load: AppLoad, nowMs: number): boolean {
    return hasSurplus(load, this.#loops(nowMs));
  }

  #loops(nowMs: number): LoopLoad {
    return { utilization: this.#window.mean, sinceChangeMs: nowMs - this.#changedAt };
  }
}
