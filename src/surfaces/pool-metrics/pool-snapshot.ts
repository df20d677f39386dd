/** How the pool stands at one instant, in the documented names. */
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { PoolCounts } from '#workers/worker-view.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';

export interface PoolNumbers extends PoolCounts {
  /** active / size, exactly. */
  readonly utilization: number;
}

export interface PoolSnapshot {
  readonly pool: PoolNumbers;
  /** Of this program, in whole seconds. */
  readonly uptime: number;
  readonly timestamp: string;
}

export function takeSnapshot({ pool, clock, startedMs }: PoolMetricsParts): PoolSnapshot {
  return {
    pool: toPoolNumbers(pool.counts()),
    uptime: Math.floor((clock.monotonicMs() - startedMs) / SECOND_MS),
    timestamp: toIsoTime(clock.nowMs()),
  };
}

/** In the order of the document, whatever else the pool may count. */
export function toPoolNumbers({ size, active, idle, creating, total }: PoolCounts): PoolNumbers {
  return { size, active, idle, creating, total, utilization: size === 0 ? 0 : active / size };
}
