/**
 * Finds leases that nobody renews. A lease is dead when it has been the same for long enough by
 * the clock that nobody sets, so neither a wall clock that jumps nor two that differ take a job
 * from a process that is alive.
 */
import type { JobId } from '#kernel/ids.ts';
import type { SeenLease } from './job-store.ts';

interface Sighting {
  readonly lease: SeenLease;
  readonly sinceMs: number;
}

export class LeaseWatch {
  readonly #deadMs: number;
  #seen = new Map<JobId, Sighting>();

  constructor(deadMs: number) {
    this.#deadMs = deadMs;
  }

  /** All leases there are now; answers those that are dead. */
  observe(leases: readonly SeenLease[], monotonicMs: number): readonly SeenLease[] {
    const seen = new Map<JobId, Sighting>();
    for (const lease of leases) {
      const before = this.#seen.get(lease.id);
      const isSame = before !== undefined && isSameLease(before.lease, lease);
      seen.set(lease.id, isSame ? before : { lease, sinceMs: monotonicMs });
    }
    this.#seen = seen;
    return [...seen.values()]
      .filter(({ sinceMs }) => monotonicMs - sinceMs >= this.#deadMs)
      .map(({ lease }) => lease);
  }
}

function isSameLease(one: SeenLease, other: SeenLease): boolean {
  return one.holder === other.holder && one.attempt === other.attempt && one.until === other.until;
}
