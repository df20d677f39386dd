/** GPUs as a Drover agent, nvidia_gpu_exporter and dcgm-exporter tell of them. */
import type { GpuShares } from '#fleet/server-reading.ts';
import { MIB } from '#kernel/units.ts';
import type { SampleSet } from './sample-set.ts';

const MOST_GPUS = 64;

export function samplesToGpus(set: SampleSet): readonly GpuShares[] | undefined {
  for (const gpus of [droverGpus(set), nvidiaGpus(set), dcgmGpus(set)]) {
    if (gpus.length > 0) return gpus.slice(0, MOST_GPUS);
  }
  return undefined;
}

function droverGpus(set: SampleSet): readonly GpuShares[] {
  const column = (name: string) => set.by('gpu', `drover_gpu_${name}`);
  const usage = column('utilization_percent');
  const [memoryUsed, memoryTotal, temperature, power, fan] = [
    ...['memory_used_bytes', 'memory_total_bytes', 'temperature_celsius', 'power_watts'],
    'fan_percent',
  ].map(column);
  const named = new Map<string, string>();
  for (const name of ['utilization_percent', 'memory_total_bytes', 'temperature_celsius']) {
    for (const { labels } of set.all(`drover_gpu_${name}`)) {
      named.set(labels['gpu'] ?? '', labels['model'] ?? '');
    }
  }
  return Array.from(named, ([gpu, name], at) => ({
    ...{ index: toIndex(gpu, at), name },
    usagePercent: usage.get(gpu),
    memoryUsedBytes: memoryUsed?.get(gpu),
    memoryTotalBytes: memoryTotal?.get(gpu),
    temperatureC: temperature?.get(gpu),
    powerW: power?.get(gpu),
    fanPercent: fan?.get(gpu),
  }));
}

function nvidiaGpus(set: SampleSet): readonly GpuShares[] {
  const column = (name: string) => set.by('uuid', `nvidia_smi_${name}`);
  const [usage, memoryUsed, memoryTotal, temperature, power, fan] = [
    ...['utilization_gpu_ratio', 'memory_used_bytes', 'memory_total_bytes'],
    ...['temperature_gpu', 'power_draw_watts', 'fan_speed_ratio'],
  ].map(column);
  return set.all('nvidia_smi_gpu_info').map(({ labels }, at) => {
    const uuid = labels['uuid'] ?? '';
    return {
      index: toIndex(labels['index'] ?? '', at),
      name: labels['name'] ?? 'NVIDIA GPU',
      usagePercent: times(usage?.get(uuid), 100),
      memoryUsedBytes: memoryUsed?.get(uuid),
      memoryTotalBytes: memoryTotal?.get(uuid),
      temperatureC: temperature?.get(uuid),
      powerW: power?.get(uuid),
      fanPercent: times(fan?.get(uuid), 100),
    };
  });
}

/** It tells no total: used and free leave out what the driver keeps for itself. */
function dcgmGpus(set: SampleSet): readonly GpuShares[] {
  const column = (name: string) => set.by('gpu', `DCGM_FI_DEV_${name}`);
  const [used, free, temperature, power] = [
    ...['FB_USED', 'FB_FREE', 'GPU_TEMP', 'POWER_USAGE'],
  ].map(column);
  return set.all('DCGM_FI_DEV_GPU_UTIL').map(({ labels, value }, at) => {
    const gpu = labels['gpu'] ?? '';
    const usedMib = used?.get(gpu);
    const freeMib = free?.get(gpu);
    const isWhole = usedMib !== undefined && freeMib !== undefined;
    return {
      ...{ index: toIndex(gpu, at), name: labels['modelName'] ?? 'NVIDIA GPU' },
      usagePercent: value,
      memoryUsedBytes: times(usedMib, MIB),
      memoryTotalBytes: isWhole ? (usedMib + freeMib) * MIB : undefined,
      temperatureC: temperature?.get(gpu),
      powerW: power?.get(gpu),
      fanPercent: undefined,
    };
  });
}

function toIndex(text: string, at: number): number {
  return /^\d{1,4}$/.test(text) ? Number(text) : at;
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
