/** `…/health` of a server, and its line in the summary of all. */
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import type { ServerRole } from '#fleet/server.ts';
import { countGuests, statusToJson, sumFilesystems } from './parts.ts';
import { sumOf, toNumber, toPercentOf } from './units.ts';

export function healthToJson(snapshot: ServerSnapshot, role: ServerRole): object {
  const status = statusToJson(snapshot);
  switch (role) {
    case 'ai':
      return status;
    case 'app':
      return { ...status, ...guestCounts(snapshot) };
    case 'storage':
      return { ...status, ...storageCounts(snapshot) };
    case 'any':
      return { ...status, ...guestCounts(snapshot), ...storageCounts(snapshot) };
  }
}

export function summaryToJson(snapshot: ServerSnapshot, role: ServerRole): object {
  const { status, responseMs, reading } = snapshot;
  const { cpu, memory, gpus = [], filesystems, qdrant } = reading;
  const { vm_count, running_vms } = guestCounts(snapshot);
  const isAny = role === 'any';
  return {
    status,
    cpu_usage: toNumber(cpu?.usagePercent),
    memory_usage: toPercentOf(memory?.usedBytes, memory?.totalBytes),
    ...((isAny || role === 'ai') && { gpu_usage: toNumber(gpus[0]?.usagePercent) }),
    ...((isAny || role === 'app') && { vm_count, running_vms }),
    ...((isAny || role === 'storage') && {
      filesystem_count: filesystems?.length ?? null,
      qdrant_status: qdrant?.status ?? 'unknown',
    }),
    response_time_ms: toNumber(responseMs, 1),
  };
}

function guestCounts({ reading: { hypervisor, guests } }: ServerSnapshot) {
  return {
    proxmox_status: hypervisor === undefined ? 'offline' : 'online',
    ...countGuests(guests),
  };
}

function storageCounts({ reading: { filesystems, qdrant } }: ServerSnapshot) {
  const { total_filesystems, ...sums } = sumFilesystems(filesystems);
  const shares = filesystems?.map((each) => toPercentOf(each.usedBytes, each.totalBytes)) ?? [];
  const known = shares.filter((share) => share !== null);
  const average = known.reduce((sum, share) => sum + share, 0) / known.length;
  return {
    qdrant_status: qdrant?.status ?? 'unknown',
    ...{ filesystem_count: total_filesystems, ...sums },
    average_usage_percent: toNumber(average),
    total_files: sumOf(filesystems?.map(({ files }) => files)) ?? null,
  };
}
