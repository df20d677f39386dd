/**
 * When an app's workers may be started again after they failed to.
 *
 * Each failed start in a row doubles the wait: 1 s, 2 s, … 60 s, each shortened by up to half at
 * random. Workers that start and then die young (within 30 s) count too: two are forgiven, from the
 * third on the wait is the same. One start that works ends the first streak, two minutes without
 * a crash the second.
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

const FIRST_MS = SECOND_MS;
const MOST_MS = MINUTE_MS;
const YOUNG_MS = 30 * SECOND_MS;
const CALM_MS = 2 * MINUTE_MS;
const CRASHES_FORGIVEN = 2;

export interface Failing {
  readonly message: string;
  readonly attempts: number;
}

export class StartBackoff {
  readonly #chance: () => number;
  #failures = 0;
  #crashes = 0;
  #lastCrashAt = -Infinity;
  #failureEndsAt = -Infinity;
  #crashEndsAt = -Infinity;
  #message = '';

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** Set while workers do not start, or do not live. */
  get failing(): Failing | undefined {
    const attempts = Math.max(this.#failures, this.#crashes - CRASHES_FORGIVEN);
    return attempts > 0 ? { message: this.#message, attempts } : undefined;
  }

  /** For how long nothing is started; 0 when it may be. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#failureEndsAt - nowMs, this.#crashEndsAt - nowMs);
  }

  started(): void {
    this.#failures = 0;
    this.#failureEndsAt = -Infinity;
  }

  failed(nowMs: number, message: string): void {
    this.#message = message;
    // Starts that were under way together fail together, and are one attempt.
    if (nowMs < this.#failureEndsAt) return;
    this.#failures += 1;
    this.#failureEndsAt = nowMs + this.#delayMs(this.#failures);
  }

  crashed(nowMs: number, livedMs: number, message: string): void {
    if (livedMs >= YOUNG_MS) return;
    this.#message = message;
    this.#lastCrashAt = nowMs;
    this.#crashes += 1;
    const counted = this.#crashes - CRASHES_FORGIVEN;
    if (counted > 0) this.#crashEndsAt = nowMs + this.#delayMs(counted);
  }

  /** More is known of the last crash by now. */
  explain(message: string): void {
    this.#message = message;
  }

  /** Forgets crashes that were long ago. */
  calm(nowMs: number): void {
    if (nowMs - this.#lastCrashAt >= CALM_MS) this.#crashes = 0;
  }

  #delayMs(attempt: number): number {
    return jitterMs(backoffMs(attempt - 1, FIRST_MS, MOST_MS), this.#chance());
  }
}
