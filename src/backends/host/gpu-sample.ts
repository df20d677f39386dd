/** One look at one graphics processor, whoever made it, and the series it goes into. */
import type { GpuReading } from '#events/resource-snapshot.ts';
import { toBasisPoints } from '#metrics/counter-delta.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';

export interface GpuSample {
  /** The number NVIDIA's driver gives it; for others, the name of the card: `card1`. */
  readonly gpu: string;
  readonly vendor: 'nvidia' | 'amd' | 'intel';
  readonly model: string;
  readonly uuid?: string | undefined;
  /** 0..10000 */
  readonly utilizationBps?: number | undefined;
  readonly memoryUsedBytes?: number | undefined;
  readonly memoryTotalBytes?: number | undefined;
  readonly temperatureDeciC?: number | undefined;
  readonly powerCentiW?: number | undefined;
  /** 0..10000 */
  readonly fanBps?: number | undefined;
  readonly frequencyHz?: number | undefined;
}

function gauge(name: string, help: string, scale: number): MetricFamily {
  return { name, help, kind: 'gauge', scale };
}

const UTILIZATION = gauge(
  'drover_gpu_utilization_percent',
  'Share of the last period in which the GPU was busy.',
  2,
);
const MEMORY_USED = gauge('drover_gpu_memory_used_bytes', 'Used memory of the GPU.', 0);
const MEMORY_TOTAL = gauge('drover_gpu_memory_total_bytes', 'Memory of the GPU.', 0);
const MEMORY_PERCENT = gauge(
  'drover_gpu_memory_used_percent',
  'Used memory of the GPU, of all it has.',
  2,
);
const TEMPERATURE = gauge('drover_gpu_temperature_celsius', 'Temperature of the GPU.', 1);
const POWER = gauge('drover_gpu_power_watts', 'Power the GPU draws.', 2);
const FAN = gauge('drover_gpu_fan_percent', 'Speed of the fan, of the most it can do.', 2);
const FREQUENCY = gauge('drover_gpu_frequency_hertz', 'Clock of the GPU at present.', 0);

interface SeriesOfGpu {
  readonly utilization: LiveSeries;
  readonly memoryUsed: LiveSeries;
  readonly memoryTotal: LiveSeries;
  readonly memoryPercent: LiveSeries;
  readonly temperature: LiveSeries;
  readonly power: LiveSeries;
  readonly fan: LiveSeries;
  readonly frequency: LiveSeries;
}

/** More than any host holds; what comes and goes under new names must not pile up here. */
const MOST_GPUS = 256;

export class GpuSeries {
  readonly #table: SampleTable;
  readonly #known = new Map<string, SeriesOfGpu>();

  constructor(table: SampleTable) {
    this.#table = table;
  }

  publish(sample: GpuSample): void {
    const series = this.#seriesOf(sample);
    const { memoryUsedBytes = NaN, memoryTotalBytes = NaN } = sample;
    // NaN leaves a series absent.
    series.utilization.set(sample.utilizationBps ?? NaN);
    series.memoryUsed.set(memoryUsedBytes);
    series.memoryTotal.set(memoryTotalBytes);
    series.memoryPercent.set(toBasisPoints(memoryUsedBytes, memoryTotalBytes) ?? NaN);
    series.temperature.set(sample.temperatureDeciC ?? NaN);
    series.power.set(sample.powerCentiW ?? NaN);
    series.fan.set(sample.fanBps ?? NaN);
    series.frequency.set(sample.frequencyHz ?? NaN);
  }

  #seriesOf({ gpu, vendor, model, uuid = '' }: GpuSample): SeriesOfGpu {
    const key = [gpu, vendor, model, uuid].join('\0');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const labels = { gpu, vendor, model, uuid };
    const series = (family: MetricFamily) => this.#table.family(family).series(labels);
    const made = {
      utilization: series(UTILIZATION),
      memoryUsed: series(MEMORY_USED),
      memoryTotal: series(MEMORY_TOTAL),
      memoryPercent: series(MEMORY_PERCENT),
      temperature: series(TEMPERATURE),
      power: series(POWER),
      fan: series(FAN),
      frequency: series(FREQUENCY),
    };
    if (this.#known.size >= MOST_GPUS) this.#known.clear();
    this.#known.set(key, made);
    return made;
  }
}

export function gpuSampleToReading(sample: GpuSample, index: number): GpuReading {
  const { model, utilizationBps, temperatureDeciC, powerCentiW } = sample;
  return {
    index,
    model,
    utilizationBps,
    memoryUsageBps: toBasisPoints(sample.memoryUsedBytes ?? NaN, sample.memoryTotalBytes ?? NaN),
    temperatureDeciC,
    powerDrawDeciW: powerCentiW === undefined ? undefined : Math.round(powerCentiW / 10),
  };
}
