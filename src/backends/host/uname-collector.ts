/** What the kernel calls itself and the host. */
import { machine } from 'node:os';
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import { readSysfsText } from './sysfs-file.ts';

const INFO = family('node_uname_info', 'gauge', 'Always 1; the labels are what uname tells.');
const LABELS = {
  domainname: 'domainname',
  nodename: 'hostname',
  release: 'osrelease',
  sysname: 'ostype',
  version: 'version',
} as const;

export function createUnameCollector({ table, procRoot }: CollectorContext): Collector {
  const turn = new SeldomTurn();
  let series: LiveSeries | undefined;
  return createCollector({
    name: 'uname',
    collect(tick) {
      if (turn.isDue(tick)) {
        const read = Object.entries(LABELS).map(([label, file]) => [
          label,
          readSysfsText(`${procRoot}/sys/kernel/${file}`) ?? '',
        ]);
        const labels: Record<string, string> = Object.fromEntries(read);
        if (labels['release'] === '') throw new Error(`${procRoot}/sys/kernel tells no names`);
        series = table.family(INFO).series({ ...labels, machine: machine() });
      }
      series?.set(1);
    },
  });
}
