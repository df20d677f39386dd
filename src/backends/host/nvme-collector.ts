/** Which NVMe drives there are. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import { listSysfsDir, readSysfsText } from './sysfs-file.ts';

const INFO = family('node_nvme_info', 'gauge', 'Always 1; the labels tell what the drive is.');

export function createNvmeCollector({ table, sysRoot }: CollectorContext): Collector {
  const turn = new SeldomTurn();
  let drives: readonly LiveSeries[] = [];
  const read = (device: string): LiveSeries => {
    const text = (file: string) =>
      readSysfsText(`${sysRoot}/class/nvme/${device}/${file}`)?.trim() ?? '';
    return table.family(INFO).series({
      device,
      firmware_revision: text('firmware_rev'),
      model: text('model'),
      serial: text('serial'),
      state: text('state'),
    });
  };
  return createCollector({
    name: 'nvme',
    collect(tick) {
      if (turn.isDue(tick)) drives = listSysfsDir(`${sysRoot}/class/nvme`).map(read);
      for (const drive of drives) drive.set(1);
    },
  });
}
