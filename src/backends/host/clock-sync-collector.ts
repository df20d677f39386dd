/**
 * Whether the clock follows a time server. The kernel tells that to a system call alone, which
 * Node does not have; systemd-timesyncd leaves a mark in its directory once it has set the clock.
 * Where something else looks after the clock, it is not known and nothing is told.
 */
import { existsSync } from 'node:fs';
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const SYNCHRONIZED = family(
  'drover_clock_synchronized',
  'gauge',
  'Whether systemd-timesyncd has set the clock since it was started; absent where it does not run.',
);
const LOOK_MS = 5000;

export function createClockSyncCollector({ table, fileRoot }: CollectorContext): Collector {
  const directory = `${fileRoot}/run/systemd/timesync`;
  const series = table.family(SYNCHRONIZED).series();
  let lookAtMs = -Infinity;
  let sample = NaN;
  return createCollector({
    name: 'clock_sync',
    collect(tick) {
      if (tick.monotonicMs >= lookAtMs) {
        lookAtMs = tick.monotonicMs + LOOK_MS;
        if (existsSync(`${directory}/synchronized`)) sample = 1;
        else sample = existsSync(directory) ? 0 : NaN;
      }
      series.set(sample);
    },
  });
}
