/** What the kernel's random numbers are made from. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const AVAILABLE = family('node_entropy_available_bits', 'gauge', 'Entropy at hand, in bits.');
const SIZE = family('node_entropy_pool_size_bits', 'gauge', 'Entropy there is room for, in bits.');

export function createEntropyCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const available = reader.open(`${procRoot}/sys/kernel/random/entropy_avail`);
  const size = reader.open(`${procRoot}/sys/kernel/random/poolsize`);
  const availableSeries = table.family(AVAILABLE).series();
  const sizeSeries = table.family(SIZE).series();
  let poolSize = NaN;
  return createCollector({
    name: 'entropy',
    files: [available, size],
    collect(tick) {
      const bits = available.require(tick.monotonicMs).number();
      // Fixed when the kernel was built.
      if (Number.isNaN(poolSize)) poolSize = size.number(tick.monotonicMs);
      availableSeries.set(bits);
      sizeSeries.set(poolSize);
    },
  });
}
