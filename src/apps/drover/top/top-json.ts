/** What `drover top --json` prints: the page as one object, names as the API has them. */
import type { HostRates } from './host-rates.ts';
import { METRICS } from './top-source.ts';
import type { TopAnswer } from './top-source.ts';
import type { QueriedValue } from './top-answer.ts';

export function topToJson(server: string, answer: TopAnswer, rates: HostRates): object {
  const { host, processes, values = [] } = answer;
  const [cpu] = values.filter(({ name }) => name === METRICS.cpu);
  return {
    server,
    instance_id: host?.instanceId ?? null,
    timestamp: host === undefined ? null : host.atMs / 1000,
    cpu_percent: cpu?.value ?? host?.cpuPercent ?? null,
    load: host?.load.map((one) => one ?? null) ?? null,
    process_count: host?.processCount ?? null,
    memory_total_bytes: host?.memoryTotalBytes ?? null,
    memory_available_bytes: host?.memoryAvailableBytes ?? null,
    swap_total_bytes: host?.swapTotalBytes ?? null,
    swap_used_bytes: host?.swapUsedBytes ?? null,
    disks: rates.disks.map((disk) => ({
      name: disk.name,
      read_bytes_per_second: whole(disk.readPerSecond),
      written_bytes_per_second: whole(disk.writtenPerSecond),
      busy_percent: rounded(disk.busyPercent),
    })),
    interfaces: rates.interfaces.map((nic) => ({
      name: nic.name,
      received_bytes_per_second: whole(nic.receivedPerSecond),
      sent_bytes_per_second: whole(nic.sentPerSecond),
    })),
    gpus: (host?.gpus ?? []).map((gpu) => ({
      index: gpu.index,
      model: gpu.model,
      utilization_bps: gpu.utilizationBps ?? null,
      memory_usage_bps: gpu.memoryBps ?? null,
      temperature_deci_c: gpu.temperatureDeciC ?? null,
      power_draw_deci_w: gpu.powerDeciW ?? null,
    })),
    filesystems: values
      .filter(({ name }) => name === METRICS.filesystem)
      .map(({ labels, value }) => ({ ...labels, used_percent: value })),
    machines: machinesToJson(values),
    processes: (processes ?? []).map((process) => ({
      pid: process.pid,
      name: process.name,
      user_id: process.userId ?? null,
      cpu_percent: process.cpuPercent ?? null,
      memory_bytes: process.memoryBytes ?? null,
      state: process.state,
      threads: process.threads ?? null,
    })),
  };
}

function machinesToJson(values: readonly QueriedValue[]): readonly object[] {
  const machines = new Map<string, Record<string, unknown>>();
  for (const { name, labels, value } of values) {
    const id = labels['machine_id'];
    if (id === undefined) continue;
    const machine = machines.get(id) ?? {
      machine_id: id,
      customer_id: labels['customer_id'] ?? null,
      cpu_percent: null,
      memory_bytes: null,
    };
    if (name === METRICS.machineCpu) machine['cpu_percent'] = value;
    if (name === METRICS.machineMemory) machine['memory_bytes'] = value;
    machines.set(id, machine);
  }
  return [...machines.values()];
}

function whole(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 100) / 100;
}
