/**
 * What a file of a hardware monitor means, as the kernel's hwmon interface has it: `temp1_max` is
 * element `max` of sensor `temp1`, in thousandths of a degree. The names of the metrics are those
 * of node_exporter.
 */
import type { MetricFamily } from '#metrics/metric-family.ts';

const SENSOR_TYPES = [
  ...['vrm', 'beep_enable', 'update_interval', 'in', 'cpu', 'fan', 'pwm', 'temp', 'curr'],
  ...['power', 'energy', 'humidity', 'intrusion'],
] as const;
export type SensorType = (typeof SENSOR_TYPES)[number];

export interface SensorFileName {
  readonly type: SensorType;
  /** With its number, which is 0 where there is none. */
  readonly sensor: string;
  /** Empty for a file that has no suffix, such as `pwm1`. */
  readonly element: string;
}

const FILE_NAME = /^([^0-9]+)([0-9]*)(?:_(.+))?$/;

/** Undefined for files that are no readings of a sensor. */
export function parseSensorFileName(fileName: string): SensorFileName | undefined {
  const [, name, number = '', element = ''] = FILE_NAME.exec(fileName) ?? [];
  const type = SENSOR_TYPES.find((known) => known === name);
  if (type === undefined || number.length > 6) return undefined;
  return { type, sensor: `${type}${Number(number)}`, element };
}

/** Elements that are measured anew each time; all others are settings of the chip. */
export function isLiveElement({ type, element }: SensorFileName): boolean {
  return (
    (element === '' && (type === 'pwm' || type === 'fan')) ||
    ['input', 'average', 'alarm', 'fault'].includes(element) ||
    element.endsWith('_alarm')
  );
}

/** `hasPlainFile`: whether the sensor also has a file without a suffix, which takes the name. */
export function sensorMetric(
  { type, element }: Pick<SensorFileName, 'type' | 'element'>,
  hasPlainFile: boolean,
): MetricFamily {
  if (type === 'beep_enable') return gauge('node_hwmon_beep_enabled', 'Hardware beep enabled');
  if (type === 'vrm') {
    return gauge('node_hwmon_voltage_regulator_version', 'Hardware voltage regulator');
  }
  if (type === 'update_interval') {
    const name = 'node_hwmon_update_interval_seconds';
    return gauge(name, 'Hardware monitor update interval', 3);
  }
  const isValue = element === '' || (element === 'input' && !hasPlainFile);
  const base = `node_hwmon_${type}${isValue ? '' : `_${toMetricWord(element)}`}`;
  return elementMetric(type, element, base);
}

function elementMetric(type: SensorType, element: string, base: string): MetricFamily {
  if (element === 'fault' || element === 'alarm') {
    return gauge(base, `Hardware sensor ${element} status (${type})`);
  }
  if (element === 'beep') {
    return gauge(`${base}_enabled`, 'Hardware monitor sensor has beeping enabled');
  }
  switch (type) {
    case 'in':
    case 'cpu':
      return gauge(`${base}_volts`, `Hardware monitor for voltage (${element})`, 3);
    case 'temp':
      if (element === 'type') break;
      return gauge(`${base}_celsius`, `Hardware monitor for temperature (${element})`, 3);
    case 'curr':
      return gauge(`${base}_amps`, `Hardware monitor for current (${element})`, 3);
    case 'energy': {
      const help = `Hardware monitor for joules used so far (${element})`;
      return { name: `${base}_joule_total`, help, kind: 'counter', scale: 6 };
    }
    case 'power':
      return powerMetric(element, base);
    case 'humidity': {
      const help = 'Hardware monitor for humidity, as a ratio (multiply with 100.0 to get';
      return gauge(base, `${help} the humidity as a percentage) (${element})`, 6);
    }
    case 'fan': {
      if (!['input', 'min', 'max', 'target'].includes(element)) break;
      const help = `Hardware monitor for fan revolutions per minute (${element})`;
      return gauge(`${base}_rpm`, help);
    }
    default:
      break;
  }
  return gauge(base, `Hardware monitor ${type} element ${element}`);
}

function powerMetric(element: string, base: string): MetricFamily {
  if (element === 'accuracy') {
    return gauge(base, 'Hardware monitor power meter accuracy, as a ratio', 6);
  }
  if (/^average_interval(_min|_max)?$/.test(element)) {
    return gauge(`${base}_seconds`, `Hardware monitor power usage update interval (${element})`, 3);
  }
  return gauge(`${base}_watt`, `Hardware monitor for power usage in watts (${element})`, 6);
}

/** Lower case, with underscores for all that a metric's name cannot hold. */
export function toMetricWord(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9:_]/g, '_')
    .replaceAll(/^_+|_+$/g, '');
}

function gauge(name: string, help: string, scale = 0): MetricFamily {
  return { name, help, kind: 'gauge', scale };
}
