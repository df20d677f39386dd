/** What the firmware says the machine is. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { readSysfsText } from './sysfs-file.ts';

const INFO = family('node_dmi_info', 'gauge', 'Always 1; the labels are from the firmware.');
const FILES = [
  ...['bios_date', 'bios_release', 'bios_vendor', 'bios_version', 'board_asset_tag'],
  ...['board_name', 'board_serial', 'board_vendor', 'board_version', 'chassis_asset_tag'],
  ...['chassis_serial', 'chassis_vendor', 'chassis_version', 'product_family', 'product_name'],
  ...['product_serial', 'product_sku', 'product_uuid', 'product_version', 'sys_vendor'],
];

export function createDmiCollector({ table, sysRoot }: CollectorContext): Collector {
  let series: LiveSeries | undefined;
  let isRead = false;
  return createCollector({
    name: 'dmi',
    collect() {
      // It is what it was at boot; what only root may read is left out for others.
      if (!isRead) {
        isRead = true;
        const labels = FILES.flatMap((file) => {
          const value = readSysfsText(`${sysRoot}/class/dmi/id/${file}`)?.trim();
          return value === undefined ? [] : [[file.replace(/^sys_/, 'system_'), value]];
        });
        if (labels.length > 0) series = table.family(INFO).series(Object.fromEntries(labels));
      }
      series?.set(1);
    },
  });
}
