/** Paging, swapping, and processes killed for want of memory. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { KeyedLines } from './keyed-lines.ts';

/** The rest of its two hundred lines is for people who write kernels. */
const WANTED = /^(oom_kill|pgpg|pswp|pg.*fault)\w*$/;

export function createVmstatCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/vmstat`);
  const lines = new KeyedLines((key) => {
    if (!WANTED.test(key)) return undefined;
    const help = `What /proc/vmstat counts as ${key}.`;
    const series = table.family(family(`node_vmstat_${key}`, 'untyped', help)).series();
    return { series, factor: 1, value: NaN };
  });
  return createCollector({
    name: 'vmstat',
    files: [file],
    collect: (tick) => lines.read(file.require(tick.monotonicMs)),
  });
}
