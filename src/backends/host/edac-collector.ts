/** Errors of the memory, as its controllers count them. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import { listSysfsDir, readSysfsInteger } from './sysfs-file.ts';

const KINDS = [
  {
    prefix: 'ce',
    all: family('node_edac_correctable_errors_total', 'counter', 'Errors that were corrected.'),
    row: family(
      'node_edac_csrow_correctable_errors_total',
      'counter',
      'Errors that were corrected in this row of memory.',
    ),
  },
  {
    prefix: 'ue',
    all: family('node_edac_uncorrectable_errors_total', 'counter', 'Errors that were not.'),
    row: family(
      'node_edac_csrow_uncorrectable_errors_total',
      'counter',
      'Errors that were not corrected in this row of memory.',
    ),
  },
] as const;

interface Count {
  readonly series: LiveSeries;
  readonly sample: number;
}

export function createEdacCollector({ table, sysRoot }: CollectorContext): Collector {
  const root = `${sysRoot}/devices/system/edac/mc`;
  const turn = new SeldomTurn();
  let counts: readonly Count[] = [];
  const readController = (name: string): readonly Count[] => {
    const controller = name.slice(2);
    const rows = listSysfsDir(`${root}/${name}`).filter((row) => /^csrow\d+$/.test(row));
    const read = (file: string) => readSysfsInteger(`${root}/${name}/${file}`) ?? NaN;
    return KINDS.flatMap(({ prefix, all, row }) => [
      { series: table.family(all).series({ controller }), sample: read(`${prefix}_count`) },
      {
        series: table.family(row).series({ controller, csrow: 'unknown' }),
        sample: read(`${prefix}_noinfo_count`),
      },
      ...rows.map((each) => ({
        series: table.family(row).series({ controller, csrow: each.slice('csrow'.length) }),
        sample: read(`${each}/${prefix}_count`),
      })),
    ]);
  };
  return createCollector({
    name: 'edac',
    collect(tick) {
      if (turn.isDue(tick)) {
        const controllers = listSysfsDir(root).filter((name) => /^mc\d+$/.test(name));
        counts = controllers.flatMap(readController);
      }
      for (const { series, sample } of counts) series.set(sample);
    },
  });
}
