/** How fast bytes may move. A limit that changes while somebody waits is obeyed at once. */
import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';

export interface RateLimiter {
  /** Resolves when so many bytes more may be moved. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** What was not used is kept for so long. */
const BURST_MS = 250;

/**
 * Whoever takes may go into debt and waits until the debt of those before is paid: a piece larger
 * than what was saved up passes, and on average no more than the limit does.
 */
export class TokenBucket implements RateLimiter {
  readonly #clock: Clock;
  #bytesPerSecond: number | undefined;
  #tokens = 0;
  #countedAtMs: number;
  #change = new AbortController();
  readonly #turns = new SerialQueue();

  /** Undefined: no limit. */
  constructor(clock: Clock, bytesPerSecond?: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#countedAtMs = clock.monotonicMs();
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Debts are forgiven: they were made under another limit. */
  setRate(bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = 0;
    this.#countedAtMs = this.#clock.monotonicMs();
    this.#change.abort();
    this.#change = new AbortController();
  }

  /** In the order in which they came, so that nobody who takes little at a time is left out. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    await untilAborted(
      this.#turns.run(() => this.#take(bytes, signal)),
      signal,
    );
  }

  async #take(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const waitMs = this.#waitMs();
      if (waitMs === 0) break;
      const wakes = AbortSignal.any([signal, this.#change.signal]);
      // A change of the limit ends it early, and so does the signal, which is asked for next.
      await this.#clock.sleep(waitMs, wakes).catch(() => undefined);
    }
    if (this.#bytesPerSecond !== undefined) this.#tokens -= bytes;
  }

  #waitMs(): number {
    const rate = this.#bytesPerSecond;
    if (rate === undefined) return 0;
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#countedAtMs) / SECOND_MS) * rate;
    this.#tokens = Math.min((BURST_MS / SECOND_MS) * rate, this.#tokens + earned);
    this.#countedAtMs = nowMs;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / rate) * SECOND_MS);
  }
}
