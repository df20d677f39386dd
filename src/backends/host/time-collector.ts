/** What the clock says, in which time zone, and what the kernel takes the time from. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import { listSysfsDir, readSysfsText } from './sysfs-file.ts';
import { readZoneAbbreviation } from './zone-abbreviation.ts';

const MILLISECONDS = 3;
const SECONDS_PER_MINUTE = 60;
const NOW = family('node_time_seconds', 'gauge', 'The clock, Unix time in seconds.', MILLISECONDS);
const OFFSET = family(
  'node_time_zone_offset_seconds',
  'gauge',
  'How far local time is ahead of UTC, in seconds.',
);
const AVAILABLE = family(
  'node_time_clocksource_available_info',
  'gauge',
  'Always 1, for each source the kernel could take the time from.',
);
const CURRENT = family(
  'node_time_clocksource_current_info',
  'gauge',
  'Always 1; the label tells which source the kernel takes the time from.',
);

interface Told {
  readonly series: LiveSeries;
  readonly sample: number;
}

export function createTimeCollector(context: CollectorContext): Collector {
  const { table, clock } = context;
  const now = table.family(NOW).series();
  const turn = new SeldomTurn();
  let told: readonly Told[] = [];
  return createCollector({
    name: 'time',
    collect(tick) {
      const nowMs = Math.round(clock.nowMs());
      now.set(nowMs);
      if (turn.isDue(tick)) told = [readZone(context, nowMs), ...readClockSources(context)];
      for (const { series, sample } of told) series.set(sample);
    },
  });
}

function readZone({ table, fileRoot }: CollectorContext, nowMs: number): Told {
  const sample = -new Date(nowMs).getTimezoneOffset() * SECONDS_PER_MINUTE;
  const time_zone = readZoneAbbreviation({ fileRoot, nowMs, offsetSeconds: sample });
  return { series: table.family(OFFSET).series({ time_zone }), sample };
}

function readClockSources({ table, sysRoot }: CollectorContext): readonly Told[] {
  const root = `${sysRoot}/devices/system/clocksource`;
  const directories = listSysfsDir(root).filter((name) => /^clocksource\d+$/.test(name));
  return directories.flatMap((directory) => {
    const device = directory.replace('clocksource', '');
    const words = (file: string) =>
      (readSysfsText(`${root}/${directory}/${file}`) ?? '')
        .split(' ')
        .filter((word) => word !== '');
    return [
      ...words('available_clocksource').map((clocksource) =>
        table.family(AVAILABLE).series({ clocksource, device }),
      ),
      ...words('current_clocksource').map((clocksource) =>
        table.family(CURRENT).series({ clocksource, device }),
      ),
    ].map((series) => ({ series, sample: 1 }));
  });
}
