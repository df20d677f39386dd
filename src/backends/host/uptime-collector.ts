/** How long ago the host booted. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const UPTIME = family('drover_uptime_seconds', 'gauge', 'Time since the host booted.', 2);

export function createUptimeCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/uptime`);
  const series = table.family(UPTIME).series();
  return createCollector({
    name: 'uptime',
    files: [file],
    collect: (tick) => series.set(file.require(tick.monotonicMs).hundredths()),
  });
}
