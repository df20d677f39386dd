/** How long tasks ran and waited on each processor. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { NamedRows } from './named-rows.ts';

/** Nanoseconds in the file: as such they would outgrow a double's whole numbers in 104 days. */
const MICROSECONDS = 6;
const PER_MICROSECOND = 1000;
const RUNNING = family(
  'node_schedstat_running_seconds_total',
  'counter',
  'Time the processor ran tasks, in seconds.',
  MICROSECONDS,
);
const WAITING = family(
  'node_schedstat_waiting_seconds_total',
  'counter',
  'Time tasks waited for the processor, in seconds.',
  MICROSECONDS,
);
const SLICES = family('node_schedstat_timeslices_total', 'counter', 'Turns that tasks were given.');
/** After the name. */
const COLUMNS_BEFORE = 6;
const LETTER_C = 99;

interface Cpu {
  readonly running: LiveSeries;
  readonly waiting: LiveSeries;
  readonly slices: LiveSeries;
}

export function createSchedstatCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/schedstat`);
  const cpus = new NamedRows<Cpu>((cpu) => ({
    running: table.family(RUNNING).series({ cpu }),
    waiting: table.family(WAITING).series({ cpu }),
    slices: table.family(SLICES).series({ cpu }),
  }));
  return createCollector({
    name: 'schedstat',
    files: [file],
    collect(tick) {
      const scanner = file.scan(tick.monotonicMs);
      // Many kernels are built without it.
      if (scanner === undefined) return;
      cpus.begin();
      while (!scanner.isAtEnd) {
        const start = scanner.at;
        scanner.skipWord();
        const isCpu = scanner.bytes[start] === LETTER_C && scanner.at > start + 3;
        const cpu = isCpu ? cpus.take(scanner, start + 3, scanner.at) : undefined;
        if (cpu !== undefined) {
          scanner.skipWords(COLUMNS_BEFORE);
          cpu.running.set(Math.floor(scanner.number() / PER_MICROSECOND));
          cpu.waiting.set(Math.floor(scanner.number() / PER_MICROSECOND));
          cpu.slices.set(scanner.number());
        }
        scanner.skipLine();
      }
      cpus.end();
    },
  });
}
