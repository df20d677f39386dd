/** Batteries, mains and USB supplies, under node_exporter's names. */
import type { Collector } from '#metrics/collector.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { SensorCollectorOptions } from './hwmon-collector.ts';
import { ReadingPace } from './reading-pace.ts';
import { listSysfsDir, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

/** File → the end of the metric's name. Numbers as they are, in millionths and in tenths. */
const WHOLE: Readonly<Record<string, string>> = {
  ...sameNames(['authentic', 'calibrate', 'capacity', 'capacity_alert_max', 'capacity_alert_min']),
  ...sameNames(['online', 'present']),
  cycle_count: 'cyclecount',
  time_to_empty_now: 'time_to_empty_seconds',
  time_to_full_now: 'time_to_full_seconds',
};
const MILLIONTHS: Readonly<Record<string, string>> = {
  ...sameNames(['current_boot', 'current_max', 'energy_empty', 'energy_empty_design']),
  ...sameNames(['energy_full', 'energy_full_design', 'voltage_boot', 'voltage_max']),
  ...sameNames(['voltage_max_design', 'voltage_min', 'voltage_min_design', 'voltage_ocv']),
  ...sameNames(['charge_control_limit', 'charge_control_limit_max', 'charge_counter']),
  ...sameNames(['charge_empty', 'charge_empty_design', 'charge_full', 'charge_full_design']),
  ...sameNames(['charge_term_current', 'constant_charge_current']),
  ...sameNames(['constant_charge_current_max', 'constant_charge_voltage']),
  ...sameNames(['constant_charge_voltage_max', 'precharge_current', 'input_current_limit']),
  charge_now: 'charge_ampere',
  current_now: 'current_ampere',
  energy_now: 'energy_watthour',
  power_now: 'power_watt',
  voltage_now: 'voltage_volt',
};
const TENTHS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...['temp', 'temp_alert_max', 'temp_alert_min', 'temp_ambient', 'temp_ambient_max'],
    ...['temp_ambient_min', 'temp_max', 'temp_min'],
  ].map((name) => [name, `${name}_celsius`]),
);
const TEXTS = [
  ...['capacity_level', 'charge_type', 'health', 'manufacturer', 'model_name', 'serial_number'],
  ...['status', 'technology', 'type', 'usb_type', 'scope'],
];

const INFO: MetricFamily = {
  name: 'node_power_supply_info',
  help: 'info of /sys/class/power_supply/<power_supply>.',
  kind: 'gauge',
  scale: 0,
};

/** File name → metric. */
const METRICS: ReadonlyMap<string, MetricFamily> = new Map([
  ...toMetrics(WHOLE, 0),
  ...toMetrics(MILLIONTHS, 6),
  ...toMetrics(TENTHS, 1),
]);

interface SupplyReading {
  readonly series: LiveSeries;
  readonly value: number;
}

interface Supply {
  readonly pace: ReadingPace;
  readings: readonly SupplyReading[];
}

export class PowersupplyCollector implements Collector {
  readonly name = 'powersupplyclass';
  readonly #options: SensorCollectorOptions;
  #supplies = new Map<string, Supply>();

  constructor(options: SensorCollectorOptions) {
    this.#options = options;
  }

  collect(): void {
    const { sysRoot, clock } = this.#options;
    const before = this.#supplies;
    this.#supplies = new Map();
    for (const name of listSysfsDir(`${sysRoot}/class/power_supply`)) {
      const supply = before.get(name) ?? { pace: new ReadingPace(), readings: [] };
      const startedMs = clock.monotonicMs();
      if (supply.pace.isDue(startedMs)) {
        supply.readings = this.#read(name);
        // Few hosts have any, and none changes within a second: some controllers take their time.
        supply.pace.record(startedMs, clock.monotonicMs() - startedMs);
      }
      for (const { series, value } of supply.readings) series.set(value);
      this.#supplies.set(name, supply);
    }
  }

  #read(name: string): SupplyReading[] {
    const { sysRoot, table } = this.#options;
    const directory = `${sysRoot}/class/power_supply/${name}`;
    const readings = listSysfsDir(directory).flatMap((fileName) => {
      const family = METRICS.get(fileName);
      if (family === undefined) return [];
      const series = table.family(family).series({ power_supply: name });
      return [{ series, value: readSysfsInteger(`${directory}/${fileName}`) ?? NaN }];
    });
    const texts = TEXTS.map((label) => [label, readSysfsText(`${directory}/${label}`) ?? '']);
    const labels = { power_supply: name, ...Object.fromEntries(texts) };
    return [...readings, { series: table.family(INFO).series(labels), value: 1 }];
  }
}

function sameNames(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

function toMetrics(
  names: Readonly<Record<string, string>>,
  scale: number,
): [string, MetricFamily][] {
  return Object.entries(names).map(([fileName, ending]) => [
    fileName,
    {
      name: `node_power_supply_${ending}`,
      help: `${ending} value of /sys/class/power_supply/<power_supply>.`,
      kind: 'gauge',
      scale,
    },
  ]);
}
