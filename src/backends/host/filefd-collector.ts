/** Open files of the whole host. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const ALLOCATED = family('node_filefd_allocated', 'gauge', 'Open files of all processes.');
const MAXIMUM = family(
  'node_filefd_maximum',
  'gauge',
  'Open files there may be; 2^53 - 1 stands for any larger number, as no limit is one.',
);

export function createFilefdCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/sys/fs/file-nr`);
  const allocated = table.family(ALLOCATED).series();
  const maximum = table.family(MAXIMUM).series();
  return createCollector({
    name: 'filefd',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      allocated.set(scanner.number());
      scanner.skipWords(1);
      maximum.set(Math.min(scanner.number(), Number.MAX_SAFE_INTEGER));
    },
  });
}
