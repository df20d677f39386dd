/** Energy that processors and their memory have used, from their own counters. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { SensorCollectorOptions } from './hwmon-collector.ts';
import { toMetricWord } from './sensor-metric.ts';
import { listSysfsDir, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

const LOOK_AGAIN_MS = MINUTE_MS;

interface EnergyCounter {
  readonly path: string;
  readonly series: LiveSeries;
}

export class RaplCollector implements Collector {
  readonly name = 'rapl';
  readonly #options: SensorCollectorOptions;
  #counters: readonly EnergyCounter[] = [];
  #lookAgainAtMs = -Infinity;

  constructor(options: SensorCollectorOptions) {
    this.#options = options;
  }

  collect(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#lookAgainAtMs) {
      this.#counters = this.#findCounters();
      this.#lookAgainAtMs = nowMs + LOOK_AGAIN_MS;
    }
    // Only root may read them, since they tell what other programs compute; others see nothing.
    for (const { path, series } of this.#counters) series.set(readSysfsInteger(path) ?? NaN);
  }

  #findCounters(): EnergyCounter[] {
    const { sysRoot, table } = this.#options;
    const root = `${sysRoot}/class/powercap`;
    const uses = new Map<string, number>();
    return listSysfsDir(root).flatMap((entry) => {
      const directory = `${root}/${entry}`;
      const fullName = readSysfsText(`${directory}/name`);
      if (fullName === undefined) return [];
      // `package-1` is number 1 of `package`; the rest are numbered as they come.
      const [, word, number] = /^([^-]*)-(\d{1,6})$/.exec(fullName) ?? [];
      const name = word ?? fullName;
      const index = number === undefined ? (uses.get(name) ?? 0) : Number(number);
      uses.set(name, index + 1);
      const family = table.family({
        name: `node_rapl_${toMetricWord(name)}_joules_total`,
        help: `Current RAPL ${name} value in joules`,
        kind: 'counter',
        scale: 6,
      });
      const series = family.series({ index: String(index), path: directory });
      return [{ path: `${directory}/energy_uj`, series }];
    });
  }
}
