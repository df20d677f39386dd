/** How long tasks were held up for want of processors, memory or disks (PSI). */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const MICROSECONDS = 6;
const EQUALS = 61;
const LETTER_F = 102;

interface Pressure {
  readonly seconds: LiveSeries;
  readonly percent: LiveSeries;
}

const RESOURCES = [
  // Of the host as a whole, somebody always has the processor.
  { resource: 'cpu', full: false },
  { resource: 'io', full: true },
  { resource: 'memory', full: true },
] as const;

export function createPressureCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const declare = (resource: string, what: 'waiting' | 'stalled'): Pressure => {
    const who = what === 'waiting' ? 'some task' : 'every task';
    const name = `pressure_${resource}_${what}`;
    const totalHelp = `Time in which ${who} was held up for want of ${resource}, in seconds.`;
    const total = family(`node_${name}_seconds_total`, 'counter', totalHelp, MICROSECONDS);
    const shareHelp = `Share of the last 10 s in which ${who} was held up for want of ${resource}.`;
    const share = family(`drover_${name}_percent`, 'gauge', shareHelp, 2);
    return { seconds: table.family(total).series(), percent: table.family(share).series() };
  };
  const resources = RESOURCES.map(({ resource, full }) => ({
    file: reader.open(`${procRoot}/pressure/${resource}`),
    some: declare(resource, 'waiting'),
    full: full ? declare(resource, 'stalled') : undefined,
  }));
  return createCollector({
    name: 'pressure',
    files: resources.map(({ file }) => file),
    collect(tick) {
      for (const { file, some, full } of resources) {
        // Kernels without PSI have no such files, and those with `psi=0` refuse to read them.
        const scanner = file.scan(tick.monotonicMs);
        while (scanner !== undefined && !scanner.isAtEnd) {
          const pressure = scanner.bytes[scanner.at] === LETTER_F ? full : some;
          // `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`
          if (scanner.skipPast(EQUALS)) pressure?.percent.set(scanner.hundredths());
          for (let field = 0; field < 3; field += 1) scanner.skipPast(EQUALS);
          pressure?.seconds.set(scanner.number());
          scanner.skipLine();
        }
      }
    },
  });
}
