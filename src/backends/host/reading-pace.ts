/**
 * Most sensors answer in microseconds. Some ask a slow bus or wake a disk, and take longer than
 * all the rest of a sample; those are read less often, so that reading them stays a hundredth of
 * the time. In between their last values stand.
 */
const SHARE_OF_TIME = 0.01;
/** Cheaper than this is read in every sample. */
const CHEAP_MS = 2;
const LONGEST_PAUSE_MS = 60_000;

export class ReadingPace {
  #nextAtMs = -Infinity;

  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextAtMs;
  }

  record(nowMs: number, tookMs: number): void {
    const pauseMs = tookMs <= CHEAP_MS ? 0 : Math.min(LONGEST_PAUSE_MS, tookMs / SHARE_OF_TIME);
    this.#nextAtMs = nowMs + pauseMs;
  }
}
