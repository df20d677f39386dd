/** Interfaces that are made of several, and how many of those have a link. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { NamedRows } from './named-rows.ts';
import { readSysfsText } from './sysfs-file.ts';

const SLAVES = family('node_bonding_slaves', 'gauge', 'Interfaces this one is made of.');
const ACTIVE = family('node_bonding_active', 'gauge', 'Those of them that have a link.');

interface Bond {
  readonly name: string;
  readonly slaves: LiveSeries;
  readonly active: LiveSeries;
}

export function createBondingCollector({ table, reader, sysRoot }: CollectorContext): Collector {
  const root = `${sysRoot}/class/net`;
  const file = reader.open(`${root}/bonding_masters`);
  const bonds = new NamedRows<Bond>((master) => ({
    name: master,
    slaves: table.family(SLAVES).series({ master }),
    active: table.family(ACTIVE).series({ master }),
  }));
  return createCollector({
    name: 'bonding',
    files: [file],
    collect(tick) {
      const scanner = file.scan(tick.monotonicMs);
      // Absent where the driver is.
      if (scanner === undefined) return;
      bonds.begin();
      scanner.skipBlanks();
      while (!scanner.isAtLineEnd) {
        const start = scanner.at;
        scanner.skipWord();
        bonds.take(scanner, start, scanner.at);
        scanner.skipBlanks();
      }
      bonds.end();
      for (const { name, slaves, active } of bonds.rows()) {
        const text = readSysfsText(`${root}/${name}/bonding/slaves`);
        if (text === undefined) continue;
        const names = text.split(' ').filter((slave) => slave !== '');
        slaves.set(names.length);
        active.set(names.filter((slave) => hasLink(`${root}/${name}`, slave)).length);
      }
    },
  });
}

/** Kernels before 3.9 have another name for the directory. */
function hasLink(directory: string, slave: string): boolean {
  const status = ['lower', 'slave'].map((prefix) =>
    readSysfsText(`${directory}/${prefix}_${slave}/bonding_slave/mii_status`),
  );
  return status.includes('up');
}
