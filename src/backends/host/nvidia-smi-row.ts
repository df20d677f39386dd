/**
 * One line of what nvidia-smi prints about one GPU. Every field can be missing for its own reason:
 * `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `[GPU is lost]`, `ERR!`; the others still count.
 */
import { toBasisPoints } from '#metrics/counter-delta.ts';
import { MIB } from '#kernel/units.ts';
import type { GpuSample } from './gpu-sample.ts';

/** In this order, which the parser knows. A name may hold a comma, so all else is counted from
 *  both ends of the line. */
const QUERIED_FIELDS = [
  ...['index', 'uuid', 'name'],
  ...['utilization.gpu', 'memory.used', 'memory.total', 'temperature.gpu', 'power.draw'],
  'fan.speed',
];
const FIELDS_BEFORE_NAME = 2;
const FIELDS_AFTER_NAME = 6;

/** nvidia-smi then prints a line for each GPU, again and again, until it is ended. */
export function nvidiaSmiArguments(everySeconds: number): readonly string[] {
  return [
    `--query-gpu=${QUERIED_FIELDS.join(',')}`,
    '--format=csv,noheader,nounits',
    '-l',
    String(everySeconds),
  ];
}

export interface NvidiaGpu extends GpuSample {
  readonly index: number;
}

/** Undefined for whatever else it prints, such as what it complains about. */
export function parseNvidiaSmiRow(line: string): NvidiaGpu | undefined {
  const fields = line.split(',').map((field) => field.trim());
  if (fields.length <= FIELDS_BEFORE_NAME + FIELDS_AFTER_NAME) return undefined;
  const [index = '', uuid = ''] = fields;
  if (!/^\d{1,3}$/.test(index)) return undefined;
  const name = fields.slice(FIELDS_BEFORE_NAME, -FIELDS_AFTER_NAME).join(', ');
  const [utilization, used, total, temperature, power, fan] = fields
    .slice(-FIELDS_AFTER_NAME)
    .map(parseField);
  return {
    index: Number(index),
    gpu: index,
    vendor: 'nvidia',
    model: isKnown(name) ? name.slice(0, 100) : '',
    uuid: /^[\w-]{1,64}$/.test(uuid) ? uuid : undefined,
    utilizationBps: percentToBps(utilization),
    memoryUsedBytes: times(used, MIB),
    memoryTotalBytes: times(total, MIB),
    temperatureDeciC: times(temperature, 10),
    powerCentiW: times(power, 100),
    fanBps: percentToBps(fan),
  };
}

function isKnown(text: string): boolean {
  return text !== '' && !/^\[.*\]$|^ERR!$|^N\/A$/.test(text);
}

function parseField(field: string): number | undefined {
  return /^\d{1,9}(\.\d{1,6})?$/.test(field) ? Number(field) : undefined;
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : Math.round(value * factor);
}

function percentToBps(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : toBasisPoints(percent, 100);
}
