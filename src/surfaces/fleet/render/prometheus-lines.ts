/** `/api/metrics/prometheus`: lines of text in JSON, of servers that are not offline. */
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import type { FleetView } from './overview.ts';
import { toPercentOf } from './units.ts';

type Row = readonly [name: string, value: number | null | undefined];

export function fleetToLines(fleet: FleetView): readonly string[] {
  const { total, online, alerts } = fleet.counts();
  return [
    ...linesOf('ai_server', fleet.withRole('ai'), aiRows),
    ...linesOf('app_server', fleet.withRole('app'), appRows),
    ...linesOf('storage_server', fleet.withRole('storage'), storageRows),
    ...toLines([
      ['system_total_servers', total],
      ['system_online_servers', online],
      ['system_alerts_count', alerts],
    ]),
  ];
}

function linesOf(
  prefix: string,
  snapshot: ServerSnapshot | undefined,
  rows: (snapshot: ServerSnapshot) => readonly Row[],
): readonly string[] {
  if (snapshot === undefined || snapshot.status === 'offline') return [];
  const { cpu, memory } = snapshot.reading;
  const common: readonly Row[] = [
    ['cpu_usage_percent', cpu?.usagePercent],
    ['memory_usage_percent', toPercentOf(memory?.usedBytes, memory?.totalBytes)],
  ];
  return toLines(
    [...common, ...rows(snapshot)].map(([name, value]) => [`${prefix}_${name}`, value]),
  );
}

function toLines(rows: readonly Row[]): readonly string[] {
  return rows.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${name} ${Number(value.toFixed(4))}`],
  );
}

function aiRows({ reading: { memory, gpus = [] } }: ServerSnapshot): readonly Row[] {
  const [gpu] = gpus;
  return [
    ['memory_used_bytes', memory?.usedBytes],
    ['memory_total_bytes', memory?.totalBytes],
    ['gpu_usage_percent', gpu?.usagePercent],
    ['gpu_memory_usage_percent', toPercentOf(gpu?.memoryUsedBytes, gpu?.memoryTotalBytes)],
    ['gpu_temperature_celsius', gpu?.temperatureC],
    ['gpu_power_draw_watts', gpu?.powerW],
  ];
}

function appRows({ reading: { guests } }: ServerSnapshot): readonly Row[] {
  return [
    ['vm_count', guests?.length],
    ['running_vms', guests?.filter(({ status }) => status === 'running').length],
  ];
}

function storageRows({ reading: { filesystems, qdrant } }: ServerSnapshot): readonly Row[] {
  return [
    ['filesystem_count', filesystems?.length],
    ['qdrant_collections', qdrant?.collections],
    ['qdrant_points', qdrant?.points],
    ['qdrant_disk_usage_bytes', qdrant?.diskBytes],
  ];
}
