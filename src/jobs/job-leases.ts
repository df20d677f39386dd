/**
 * Keeps the leases of what runs here, hears what is asked of it, and finds the leases of processes
 * that are gone.
 *
 * A lease that could not be renewed for as long as it holds is lost, whatever the database would
 * say: by then another process may have taken the job. The others wait a little longer than that
 * before they do.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { JobAttempt } from './job-attempt.ts';
import type { JobStore } from './job-store.ts';
import { LeaseWatch } from './lease-watch.ts';

export const LEASE_MS = 30 * SECOND_MS;
const RENEW_MS = 5 * SECOND_MS;
const DEAD_MS = 40 * SECOND_MS;
const MOST_WATCHED = 10_000;

export interface LeaseParts {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly holder: string;
}

interface Held {
  readonly attempt: JobAttempt;
  /** When the lease was last known to be ours, by the clock that nobody sets. */
  renewedMs: number;
}

export class JobLeases {
  readonly #parts: LeaseParts;
  readonly #held = new Map<JobId, Held>();
  readonly #watch = new LeaseWatch(DEAD_MS);
  #renewAtMs = -Infinity;
  #isLooking = false;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** `sinceMs` is from before the claim was made. */
  hold(attempt: JobAttempt, sinceMs: number): void {
    this.#held.set(attempt.id, { attempt, renewedMs: sinceMs });
  }

  release(id: JobId): void {
    this.#held.delete(id);
  }

  /** Makes no call that could hang. */
  dropStale(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const { attempt, renewedMs } of this.#held.values()) {
      if (nowMs - renewedMs >= LEASE_MS) this.lose(attempt.id);
    }
  }

  lose(id: JobId): void {
    const held = this.#held.get(id);
    if (held === undefined || held.attempt.stopReason === 'lease-lost') return;
    this.#parts.log.warn({ job: id }, 'the lease of a job is lost; it is stopped here');
    held.attempt.stop('lease-lost');
  }

  /** Hears of cancels and controls, and of leases that others have taken. */
  async look(): Promise<void> {
    if (this.#held.size === 0 || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { store, holder } = this.#parts;
      const known = [...this.#held.values()];
      const rows = new Map((await store.held(holder)).map((row) => [row.id, row]));
      for (const { attempt } of known) {
        // What has ended meanwhile is not held any more.
        if (this.#held.get(attempt.id)?.attempt !== attempt) continue;
        const row = rows.get(attempt.id);
        if (row?.attempt !== attempt.lease.attempt) this.lose(attempt.id);
        else {
          attempt.setControls(row.controls);
          if (row.isCancelRequested && !attempt.claim.job.isCancelRequested) {
            attempt.stop('cancelled');
          }
        }
      }
    } finally {
      this.#isLooking = false;
    }
  }

  /** True when something became free for everybody. */
  async renewAndWatch(): Promise<boolean> {
    const { store, clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#renewAtMs) return false;
    const held = [...this.#held.values()].filter(
      ({ attempt }) => attempt.stopReason !== 'lease-lost',
    );
    await store.renew(
      held.map(({ attempt }) => attempt.lease),
      clock.nowMs() + LEASE_MS,
    );
    for (const each of held) each.renewedMs = nowMs;
    this.#renewAtMs = nowMs + RENEW_MS;
    const dead = this.#watch.observe(await store.leases(MOST_WATCHED), clock.monotonicMs());
    const expired = await store.expire(dead, clock.nowMs());
    if (expired.length > 0) log.warn({ jobs: expired }, 'jobs of a process that is gone go on');
    return expired.length > 0;
  }

  /** What this process left when it ended without a word: nobody else has to be waited for. */
  async takeBack(holderPrefix: string): Promise<void> {
    const { store, clock, log } = this.#parts;
    const left = await store.leasesOf(holderPrefix);
    const expired = await store.expire(left, clock.nowMs());
    if (expired.length > 0) log.info({ jobs: expired }, 'jobs that were cut short go on');
  }

  /** The error is the database's, and it will be back. */
  warn(thrown: unknown): void {
    const error = toDroverError(thrown);
    this.#parts.log.warn({ error }, 'the leases of jobs could not be looked after; trying again');
  }
}
