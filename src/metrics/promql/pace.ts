/** Lets other work in between while a query is evaluated, and bounds what the query may hold. */
import type { Clock } from '#kernel/clock.ts';
import { Pacer } from '#metrics/history/pacer.ts';
import { limitError } from './query-error.ts';

export interface PaceOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of one query together: series times instants, results between included. */
  readonly maxCells: number;
}

export class Pace extends Pacer {
  readonly #maxCells: number;
  #cells = 0;

  constructor({ clock, signal, maxCells }: PaceOptions) {
    super(clock, signal);
    this.#maxCells = maxCells;
  }

  /** Before anything is allocated. */
  spend(cells: number): void {
    this.#cells += cells;
    if (this.#cells <= this.#maxCells) return;
    throw limitError(
      `the query needs more than ${this.#maxCells} values in between (${this.#cells} so far); ` +
        'ask for fewer series, a shorter time or a longer step',
    );
  }
}
