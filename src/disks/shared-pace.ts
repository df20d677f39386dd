/** A limit that another thread may change: it is read from shared memory as bytes are asked for. */
import type { Clock } from '#kernel/clock.ts';
import { TokenBucket, type RateLimiter } from './rate-limiter.ts';

export class SharedPace implements RateLimiter {
  readonly #rate: Float64Array;
  readonly #bucket: TokenBucket;

  constructor(clock: Clock, pace: SharedArrayBuffer) {
    this.#rate = new Float64Array(pace);
    this.#bucket = new TokenBucket(clock);
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const rate = this.#rate[0] ?? 0;
    const limit = rate > 0 ? rate : undefined;
    if (limit !== this.#bucket.bytesPerSecond) this.#bucket.setRate(limit);
    if (limit !== undefined) await this.#bucket.take(bytes, signal);
  }
}
