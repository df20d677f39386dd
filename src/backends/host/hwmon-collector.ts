/** Temperatures, fans, voltages and power of the host's hardware monitors. */
import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import type { Clock } from '#kernel/clock.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { Collector } from '#metrics/collector.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import { ReadingPace } from './reading-pace.ts';
import { isLiveElement, parseSensorFileName, sensorMetric, toMetricWord } from './sensor-metric.ts';
import type { SensorFileName } from './sensor-metric.ts';
import { listSysfsDir, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

export interface SensorCollectorOptions {
  readonly table: SampleTable;
  readonly sysRoot: string;
  readonly clock: Clock;
}

/** How often chips and what is set in them are looked at anew. */
const LOOK_AGAIN_MS = MINUTE_MS;
const MOST_SENSOR_FILES = 2000;

const CHIP_NAMES: MetricFamily = {
  name: 'node_hwmon_chip_names',
  help: 'Annotation metric for human-readable chip names',
  kind: 'gauge',
  scale: 0,
};
const SENSOR_LABEL: MetricFamily = {
  name: 'node_hwmon_sensor_label',
  help: 'Label for given chip and sensor',
  kind: 'gauge',
  scale: 0,
};

interface SensorFile {
  readonly path: string;
  readonly series: LiveSeries;
  readonly isLive: boolean;
  /** Of the last reading. */
  value: number;
}

interface Chip {
  readonly files: readonly SensorFile[];
  /** Series that are 1 as long as the chip is there: names and labels. */
  readonly annotations: readonly LiveSeries[];
  readonly pace: ReadingPace;
}

interface FoundFile extends SensorFileName {
  readonly path: string;
}

export class HwmonCollector implements Collector {
  readonly name = 'hwmon';
  readonly #options: SensorCollectorOptions;
  #chips = new Map<string, Chip>();
  #lookAgainAtMs = -Infinity;

  constructor(options: SensorCollectorOptions) {
    this.#options = options;
  }

  collect(): void {
    const { clock } = this.#options;
    if (clock.monotonicMs() >= this.#lookAgainAtMs) {
      this.#findChips();
      this.#lookAgainAtMs = clock.monotonicMs() + LOOK_AGAIN_MS;
    }
    for (const chip of this.#chips.values()) {
      const startedMs = clock.monotonicMs();
      if (chip.pace.isDue(startedMs)) {
        for (const file of chip.files) if (file.isLive) file.value = readValue(file.path);
        chip.pace.record(startedMs, clock.monotonicMs() - startedMs);
      }
      for (const { series, value } of chip.files) series.set(value);
      for (const series of chip.annotations) series.set(1);
    }
  }

  #findChips(): void {
    const { sysRoot } = this.#options;
    const before = this.#chips;
    this.#chips = new Map();
    let room = MOST_SENSOR_FILES;
    for (const entry of listSysfsDir(`${sysRoot}/class/hwmon`)) {
      const directory = `${sysRoot}/class/hwmon/${entry}`;
      const chip = this.#openChip(directory, before.get(directory)?.pace, room);
      room -= chip.files.length;
      this.#chips.set(directory, chip);
    }
  }

  /** The pace stays with the chip: a slow one is not to be read through every minute anew. */
  #openChip(directory: string, pace = new ReadingPace(), room: number): Chip {
    const { table, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const chip = chipName(directory);
    const found = [...findFiles(directory), ...findFiles(`${directory}/device`)];
    const plain = new Set(
      found.filter(({ element }) => element === '').map(({ sensor }) => sensor),
    );
    const files = found
      .filter(({ element }) => element !== 'label')
      .slice(0, room)
      .map((file): SensorFile => {
        const family = sensorMetric(file, plain.has(file.sensor));
        const series = table.family(family).series({ chip, sensor: file.sensor });
        return {
          path: file.path,
          series,
          isLive: isLiveElement(file),
          value: readValue(file.path),
        };
      });
    const annotations: LiveSeries[] = [];
    const humanName = toMetricWord(readSysfsText(`${directory}/name`) ?? '');
    if (humanName !== '') {
      annotations.push(table.family(CHIP_NAMES).series({ chip, chip_name: humanName }));
    }
    for (const { sensor, element, path } of found) {
      const label = element === 'label' ? (readSysfsText(path) ?? '') : '';
      if (label === '') continue;
      annotations.push(table.family(SENSOR_LABEL).series({ chip, sensor, label }));
    }
    pace.record(startedMs, clock.monotonicMs() - startedMs);
    return { files, annotations, pace };
  }
}

function findFiles(directory: string): FoundFile[] {
  return listSysfsDir(directory).flatMap((fileName) => {
    const parsed = parseSensorFileName(fileName);
    return parsed === undefined ? [] : [{ ...parsed, path: `${directory}/${fileName}` }];
  });
}

/** NaN, which leaves the series absent, for a sensor with nothing to say. */
function readValue(path: string): number {
  return readSysfsInteger(path) ?? NaN;
}

/**
 * The numbers of chips depend on the order in which drivers came; where the device sits does not.
 * So `platform_coretemp_0` comes before the chip's own name, and that before `hwmon3`.
 */
function chipName(directory: string): string {
  const device = realPath(`${directory}/device`);
  if (device !== undefined) {
    const name = toMetricWord(basename(device));
    const bus = toMetricWord(basename(dirname(device)));
    if (name !== '') return bus === '' ? name : `${bus}_${name}`;
  }
  const ownName = toMetricWord(readSysfsText(`${directory}/name`) ?? '');
  if (ownName !== '') return ownName;
  return toMetricWord(basename(realPath(directory) ?? directory));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // Virtual chips have no device.
    return undefined;
  }
}
