/**
 * Asks one feed again and again, on its own, so that what is slow or dead delays nobody else:
 *
 *   [interval] → poll → answered → [interval] …
 *                     → failed   → [interval, doubling up to BACKOFF_MOST_MS, jittered] …
 *
 * What each server's last good answer was is kept, with its age; whoever reads decides how old is
 * too old.
 */
import { openDeadline } from '#kernel/abort.ts';
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { randomFraction } from '#kernel/random.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { ServerReading } from './server-reading.ts';
import type { FeedReading, SourceFeed } from './source-feed.ts';
import { sourceTrouble } from './source-trouble.ts';

const POLL_DEADLINE_MS = 10 * SECOND_MS;
const BACKOFF_MOST_MS = MINUTE_MS;

/** How it went with one server at this feed. */
export interface FeedAnswer {
  readonly reading: ServerReading | undefined;
  /** Of the reading; undefined while there is none. */
  readonly answeredAt: number | undefined;
  readonly answeredMonotonicMs: number;
  readonly responseMs: number | undefined;
  /** Of the last poll, or what is wrong with its answer; undefined when all went well. */
  readonly error: string | undefined;
  readonly failures: number;
}

const NOTHING_YET: FeedAnswer = {
  reading: undefined,
  answeredAt: undefined,
  answeredMonotonicMs: -Infinity,
  responseMs: undefined,
  error: undefined,
  failures: 0,
};

export interface FeedPollerOptions {
  readonly feed: SourceFeed;
  readonly servers: readonly ServerId[];
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** After each poll, well or not. */
  readonly onPolled: (servers: readonly ServerId[]) => void;
}

export interface PollerStart {
  readonly afterMs: number;
  /** From 0 to 1: where within the interval it is asked from then on. */
  readonly place: number;
}

export class FeedPoller implements AsyncDisposable {
  readonly feed: SourceFeed;
  readonly #options: FeedPollerOptions;
  readonly #answers = new Map<ServerId, FeedAnswer>();
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #polling: Promise<void> = Promise.resolve();
  readonly #first = Promise.withResolvers<void>();
  #failures = 0;
  /** Waited once, beside the interval. */
  #extraMs = 0;

  constructor(options: FeedPollerOptions) {
    this.feed = options.feed;
    this.#options = options;
  }

  /** Resolves after the first poll, or when there will be none; it never fails. */
  async start({ afterMs, place }: PollerStart): Promise<void> {
    this.#extraMs = place * this.#intervalMs;
    if (afterMs > 0) this.#timer = this.#options.clock.after(afterMs, () => this.#begin());
    else this.#begin();
    await this.#first.promise;
  }

  answerOf(id: ServerId): FeedAnswer {
    return this.#answers.get(id) ?? NOTHING_YET;
  }

  /** Takes over what an earlier poller of the same thing knew. */
  inherit(id: ServerId, answer: FeedAnswer): void {
    if (this.#options.servers.includes(id)) this.#answers.set(id, answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#first.resolve();
    await this.#polling;
    await this.feed[Symbol.asyncDispose]();
  }

  #begin(): void {
    this.#polling = this.#poll();
    void this.#polling.then(this.#first.resolve);
  }

  async #poll(): Promise<void> {
    const { clock, servers, onPolled } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      const answers = await this.#ask();
      const at = { responseMs: clock.monotonicMs() - startedMs };
      for (const id of servers) this.#note(id, answers.get(id), at.responseMs);
      this.#failures = 0;
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#fail(toDroverError(thrown).message);
    }
    if (this.#stopping.signal.aborted) return;
    this.#timer = clock.after(this.#waitMs(startedMs), () => this.#begin());
    onPolled(servers);
  }

  async #ask(): Promise<Awaited<ReturnType<SourceFeed['poll']>>> {
    const { clock, feed } = this.#options;
    const { signal: stopped } = this.#stopping;
    using deadline = openDeadline(clock, POLL_DEADLINE_MS, `asking ${feed.label}`, stopped);
    return await feed.poll(deadline.signal);
  }

  #note(id: ServerId, answer: FeedReading | Error | undefined, responseMs: number): void {
    const { clock, feed } = this.#options;
    const before = this.answerOf(id);
    if (answer === undefined || answer instanceof Error) {
      const error = answer?.message ?? `${feed.label} does not know this server`;
      this.#answers.set(id, { ...before, error, failures: before.failures + 1 });
      return;
    }
    const { missing: _missing, complaints: _complaints, ...reading } = answer;
    this.#answers.set(id, {
      ...{ reading, responseMs, error: sourceTrouble(answer), failures: 0 },
      ...{ answeredAt: clock.nowMs(), answeredMonotonicMs: clock.monotonicMs() },
    });
  }

  #fail(error: string): void {
    const { servers, log, feed } = this.#options;
    this.#failures += 1;
    // When it begins, and not at every try.
    if (this.#failures === 1) {
      log.warn({ source: feed.label, reason: error }, 'a source does not answer');
    }
    for (const id of servers) {
      const before = this.answerOf(id);
      this.#answers.set(id, { ...before, error, failures: before.failures + 1 });
    }
  }

  get #intervalMs(): number {
    return this.feed.intervalMs ?? this.#options.intervalMs;
  }

  #waitMs(startedMs: number): number {
    const { clock } = this.#options;
    const intervalMs = this.#intervalMs;
    if (this.#failures > 0) {
      const most = Math.max(BACKOFF_MOST_MS, intervalMs);
      return jitterMs(backoffMs(this.#failures, intervalMs, most), randomFraction());
    }
    const tookMs = clock.monotonicMs() - startedMs;
    const extraMs = this.#extraMs;
    this.#extraMs = 0;
    // At even distances, however long the answers take; never without a pause.
    return extraMs + Math.max(intervalMs / 4, intervalMs - tookMs);
  }
}
