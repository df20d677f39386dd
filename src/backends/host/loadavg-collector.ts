/** How many tasks wanted to run, averaged over 1, 5 and 15 minutes. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

export function createLoadavgCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/loadavg`);
  const [one, five, fifteen] = [1, 5, 15].map((minutes) => {
    const help = `Load average of ${minutes === 1 ? 'one minute' : `${minutes} minutes`}.`;
    return table.family(family(`node_load${minutes}`, 'gauge', help, 2)).series();
  });
  return createCollector({
    name: 'loadavg',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      const load1 = scanner.hundredths();
      const load5 = scanner.hundredths();
      const load15 = scanner.hundredths();
      if (Number.isNaN(load1 + load5 + load15)) {
        throw new Error(`${file.path} does not hold three numbers`);
      }
      one?.set(load1);
      five?.set(load5);
      fifteen?.set(load15);
      tick.readings.load = { load1, load5, load15 };
    },
  });
}
