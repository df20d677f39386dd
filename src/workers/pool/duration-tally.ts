/** Durations counted in buckets where a look-up in the registry for each would cost too much. */
import {
  DURATION_BUCKETS,
  type CountedValues,
  type Histogram,
  type Labels,
} from '#kernel/metrics-registry.ts';
import { SECOND_MS } from '#kernel/units.ts';

const BOUNDS_MS = DURATION_BUCKETS.map((seconds) => seconds * SECOND_MS);

export class DurationTally {
  #counts: number[] = emptyCounts();
  #sumMs = 0;
  #hasNew = false;

  add(ms: number): void {
    let at = 0;
    while (at < BOUNDS_MS.length && ms > (BOUNDS_MS[at] ?? Infinity)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sumMs += ms;
    this.#hasNew = true;
  }

  /** Hands over what was counted since the last time. */
  flush<Name extends string>(histogram: Histogram<Name>, labels: Labels<Name>): void {
    if (!this.#hasNew) return;
    const counted: CountedValues = { counts: this.#counts, sum: this.#sumMs / SECOND_MS };
    this.#counts = emptyCounts();
    this.#sumMs = 0;
    this.#hasNew = false;
    histogram.add(labels, counted);
  }
}

function emptyCounts(): number[] {
  return Array<number>(BOUNDS_MS.length + 1).fill(0);
}
