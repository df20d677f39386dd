/**
 * Series under the names that the document has for its three servers: on `/metrics`, and as lines
 * of text in JSON at `/api/metrics/prometheus`.
 */
import type { ServerReading } from '#fleet/server-reading.ts';
import { NAMED, type FleetView } from './overview.ts';
import { toNumber, toPercentOf } from './units.ts';

type Rows = Readonly<Record<string, (reading: ServerReading) => number | null | undefined>>;

const DIGITS = 4;

const COMMON: Rows = {
  cpu_usage_percent: ({ cpu }) => cpu?.usagePercent,
  memory_usage_percent: ({ memory }) => toPercentOf(memory?.usedBytes, memory?.totalBytes),
};

const ROWS: Readonly<Record<keyof typeof NAMED, Rows>> = {
  ai_server: {
    ...COMMON,
    memory_used_bytes: ({ memory }) => memory?.usedBytes,
    memory_total_bytes: ({ memory }) => memory?.totalBytes,
    gpu_usage_percent: ({ gpus }) => gpus?.[0]?.usagePercent,
    gpu_memory_usage_percent: ({ gpus }) =>
      toPercentOf(gpus?.[0]?.memoryUsedBytes, gpus?.[0]?.memoryTotalBytes),
    gpu_temperature_celsius: ({ gpus }) => gpus?.[0]?.temperatureC,
    gpu_power_draw_watts: ({ gpus }) => gpus?.[0]?.powerW,
  },
  app_server: {
    ...COMMON,
    vm_count: ({ guests }) => guests?.length,
    running_vms: ({ guests }) => guests?.filter(({ status }) => status === 'running').length,
  },
  storage_server: {
    ...COMMON,
    filesystem_count: ({ filesystems }) => filesystems?.length,
    qdrant_collections: ({ qdrant }) => qdrant?.collections,
    qdrant_points: ({ qdrant }) => qdrant?.points,
    qdrant_disk_usage_bytes: ({ qdrant }) => qdrant?.diskBytes,
  },
};
const KEYS = ['ai_server', 'app_server', 'storage_server'] as const;

/** Every name that `namedSeries` can give. */
export const NAMED_SERIES: readonly string[] = [
  ...KEYS.flatMap((key) => Object.keys(ROWS[key]).map((name) => `${key}_${name}`)),
  ...['system_total_servers', 'system_online_servers', 'system_alerts_count'],
];

/** Of servers that are not offline, as far as they are known; by name, in their order. */
export function namedSeries(fleet: FleetView): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  for (const key of KEYS) {
    const snapshot = fleet.withRole(NAMED[key].role);
    if (snapshot === undefined || snapshot.status === 'offline') continue;
    for (const [name, valueOf] of Object.entries(ROWS[key])) {
      const value = toNumber(valueOf(snapshot.reading) ?? undefined, DIGITS);
      if (value !== null) series.set(`${key}_${name}`, value);
    }
  }
  const { total, online, alerts } = fleet.counts();
  series.set('system_total_servers', total);
  series.set('system_online_servers', online);
  return series.set('system_alerts_count', alerts);
}

export function fleetToLines(fleet: FleetView): readonly string[] {
  return Array.from(namedSeries(fleet), ([name, value]) => `${name} ${value}`);
}
