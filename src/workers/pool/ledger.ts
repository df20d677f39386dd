/** How many workers there are by state, kept as they change; for the pool, and for each app. */
import { COUNTED_AS, type WorkerState } from '#workers/worker-state.ts';

export class Ledger {
  active = 0;
  idle = 0;
  creating = 0;

  get total(): number {
    return this.active + this.idle + this.creating;
  }

  /** Undefined: it was not, or is no longer, one of these. */
  move(from: WorkerState | undefined, to: WorkerState | undefined): void {
    if (from !== undefined) this.#add(from, -1);
    if (to !== undefined) this.#add(to, 1);
  }

  #add(state: WorkerState, by: number): void {
    const column = COUNTED_AS[state];
    if (column !== undefined) this[column] += by;
  }
}
