/** Packets on their way from the network cards into the kernel, by processor. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const FAMILIES = [
  family('node_softnet_processed_total', 'counter', 'Packets taken in.'),
  family('node_softnet_dropped_total', 'counter', 'Packets dropped because the queue was full.'),
  family('node_softnet_times_squeezed_total', 'counter', 'Rounds that ended with work left over.'),
] as const;
/** Newer kernels tell the processor's number in this column; older ones list all, in order. */
const CPU_COLUMN = 12;
const MOST_CPUS = 8192;

export function createSoftnetCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/net/softnet_stat`);
  const families = FAMILIES.map((each) => table.family(each));
  const rows = new Map<number, readonly LiveSeries[]>();
  const values = FAMILIES.map(() => NaN);
  return createCollector({
    name: 'softnet',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      for (let line = 0; !scanner.isAtEnd; line += 1) {
        for (let column = 0; column < values.length; column += 1) values[column] = scanner.hex();
        scanner.skipWords(CPU_COLUMN - values.length);
        const told = scanner.hex();
        const cpu = told < MOST_CPUS ? told : line;
        let row = rows.get(cpu);
        if (row === undefined) {
          row = families.map((each) => each.series({ cpu: String(cpu) }));
          rows.set(cpu, row);
        }
        for (let column = 0; column < values.length; column += 1) {
          row[column]?.set(values[column] ?? NaN);
        }
        scanner.skipLine();
      }
    },
  });
}
