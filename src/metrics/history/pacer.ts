/** Lets other work in between, within something long. */
import type { Clock } from '#kernel/clock.ts';

const MOST_MS = 4;

export class Pacer {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #sinceMs: number;

  constructor(clock: Clock, signal?: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Call it often: true means that `pause` is due. */
  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs >= MOST_MS;
  }

  async pause(): Promise<void> {
    this.#signal?.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    await promise;
    this.#signal?.throwIfAborted();
    this.#sinceMs = this.#clock.monotonicMs();
  }
}
