/** Thermal zones and the cooling devices that keep them within bounds. */
import type { Collector } from '#metrics/collector.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { SensorCollectorOptions } from './hwmon-collector.ts';
import { ReadingPace } from './reading-pace.ts';
import { listSysfsDir, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

const LOOK_AGAIN_MS = MINUTE_MS;

const ZONE_TEMP: MetricFamily = {
  name: 'node_thermal_zone_temp',
  help: 'Zone temperature in Celsius',
  kind: 'gauge',
  scale: 3,
};
const CURRENT_STATE: MetricFamily = {
  name: 'node_cooling_device_cur_state',
  help: 'Current throttle state of the cooling device',
  kind: 'gauge',
  scale: 0,
};
const MOST_STATE: MetricFamily = {
  name: 'node_cooling_device_max_state',
  help: 'Maximum throttle state of the cooling device',
  kind: 'gauge',
  scale: 0,
};

interface ThermalFile {
  readonly path: string;
  readonly series: LiveSeries;
  readonly pace: ReadingPace;
  value: number;
}

export class ThermalCollector implements Collector {
  readonly name = 'thermal_zone';
  readonly #options: SensorCollectorOptions;
  #files: readonly ThermalFile[] = [];
  #lookAgainAtMs = -Infinity;

  constructor(options: SensorCollectorOptions) {
    this.#options = options;
  }

  collect(): void {
    const { clock } = this.#options;
    if (clock.monotonicMs() >= this.#lookAgainAtMs) {
      this.#files = this.#findFiles();
      this.#lookAgainAtMs = clock.monotonicMs() + LOOK_AGAIN_MS;
    }
    for (const file of this.#files) {
      const startedMs = clock.monotonicMs();
      if (file.pace.isDue(startedMs)) {
        file.value = readSysfsInteger(file.path) ?? NaN;
        file.pace.record(startedMs, clock.monotonicMs() - startedMs);
      }
      file.series.set(file.value);
    }
  }

  #findFiles(): ThermalFile[] {
    const { sysRoot, table } = this.#options;
    const root = `${sysRoot}/class/thermal`;
    const paces = new Map(this.#files.map(({ path, pace }) => [path, pace]));
    const open = (family: MetricFamily, path: string, labels: Record<string, string>) => ({
      path,
      series: table.family(family).series(labels),
      pace: paces.get(path) ?? new ReadingPace(),
      value: NaN,
    });
    return listSysfsDir(root).flatMap((entry) => {
      const directory = `${root}/${entry}`;
      const [, kind, number = ''] = /^(thermal_zone|cooling_device)(\d+)$/.exec(entry) ?? [];
      if (kind === undefined) return [];
      const type = readSysfsText(`${directory}/type`) ?? '';
      if (kind === 'thermal_zone') {
        return [open(ZONE_TEMP, `${directory}/temp`, { zone: number, type })];
      }
      return [
        open(CURRENT_STATE, `${directory}/cur_state`, { name: number, type }),
        open(MOST_STATE, `${directory}/max_state`, { name: number, type }),
      ];
    });
  }
}
