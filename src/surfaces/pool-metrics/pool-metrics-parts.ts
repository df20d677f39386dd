/** What the routes of this surface stand on, made once by the composition root. */
import type { Clock } from '#kernel/clock.ts';
import type { PoolCounts, WorkerView } from '#workers/worker-view.ts';

/** The pool, as far as it is looked at here. */
export interface PoolSource {
  counts(): PoolCounts;
  workers(): readonly WorkerView[];
}

export interface PoolMetricsParts {
  readonly pool: PoolSource;
  readonly clock: Clock;
  /** When this program started, on the clock's monotonic scale. */
  readonly startedMs: number;
  readonly version: string;
  /** Between two events of a stream. */
  readonly sseIntervalMs: number;
}
