/**
 * How many jobs to claim ahead of free slots: as many as are over in the blink of an eye. None at
 * all where a job takes longer than that, so that no process keeps what another could run.
 */
const BLINK_MS = 100;
const MOST_AHEAD = 1000;
/** The share of the newest in the mean. */
const WEIGHT = 0.1;
const LEAST_MS = 0.01;
/** What a job is believed to take before any was seen. */
const UNKNOWN_MS = 1000;

export class Pace {
  readonly #slots: number;
  #meanMs = UNKNOWN_MS;

  constructor(slots: number) {
    this.#slots = slots;
  }

  took(ms: number): void {
    this.#meanMs += (Math.max(LEAST_MS, ms) - this.#meanMs) * WEIGHT;
  }

  /** Something waited for long: it is not as quick as it seemed. */
  slowDown(): void {
    this.#meanMs = UNKNOWN_MS;
  }

  ahead(): number {
    const fit = Math.floor((this.#slots * BLINK_MS) / this.#meanMs);
    return fit <= this.#slots ? 0 : Math.min(MOST_AHEAD, fit - this.#slots);
  }
}
