/**
 * The parts of a server as this API writes them. All keys are always there; null says that nobody
 * tells, also where the document shows a number.
 */
import type {
  CpuReading,
  DiskRates,
  FilesystemReading,
  GpuShares,
  GuestReading,
  HypervisorReading,
  InterfaceRates,
  MemoryShares,
  PressureReading,
  QdrantReading,
} from '#fleet/server-reading.ts';
import type { ServerSnapshot, SourceState } from '#fleet/server-snapshot.ts';
import { HOUR_MS } from '#kernel/units.ts';
import { sumOf, toGb, toIso, toMb, toNumber, toPercentOf, toWhole } from './units.ts';

export function statusToJson({ status, updatedAt, responseMs, reading, reasons }: ServerSnapshot) {
  return {
    status,
    last_updated: toIso(updatedAt),
    uptime_seconds: toWhole(reading.uptimeSeconds),
    response_time_ms: toNumber(responseMs, 1),
    reasons,
  };
}

export function cpuToJson(cpu: CpuReading | undefined) {
  return {
    usage_percent: toNumber(cpu?.usagePercent),
    cores: cpu?.cores ?? null,
    temperature: toNumber(cpu?.temperatureC, 1),
    load_average: cpu?.load?.map((load) => toNumber(load)) ?? null,
    mode_percents:
      cpu?.modePercents === undefined
        ? null
        : Object.fromEntries(
            Object.entries(cpu.modePercents).map(([mode, share]) => [mode, toNumber(share)]),
          ),
  };
}

export function memoryToJson(memory: MemoryShares | undefined) {
  return {
    used_gb: toGb(memory?.usedBytes),
    total_gb: toGb(memory?.totalBytes),
    usage_percent: toPercentOf(memory?.usedBytes, memory?.totalBytes),
    available_gb: toGb(memory?.availableBytes),
    cached_gb: toGb(memory?.cachedBytes),
    swap_used_gb: toGb(memory?.swapUsedBytes),
    swap_total_gb: toGb(memory?.swapTotalBytes),
  };
}

export function gpuToJson(gpu: GpuShares) {
  return {
    name: gpu.name,
    usage_percent: toNumber(gpu.usagePercent),
    memory_used_mb: toMb(gpu.memoryUsedBytes),
    memory_total_mb: toMb(gpu.memoryTotalBytes),
    memory_usage_percent: toPercentOf(gpu.memoryUsedBytes, gpu.memoryTotalBytes),
    temperature: toNumber(gpu.temperatureC, 1),
    power_draw_w: toNumber(gpu.powerW, 1),
    fan_speed_percent: toNumber(gpu.fanPercent, 1),
  };
}

export function diskToJson(filesystem: FilesystemReading) {
  return {
    mount_point: filesystem.mountPoint,
    used_gb: toGb(filesystem.usedBytes),
    total_gb: toGb(filesystem.totalBytes),
    usage_percent: toPercentOf(filesystem.usedBytes, filesystem.totalBytes),
    available_gb: toGb(filesystem.availableBytes),
    filesystem: filesystem.fstype ?? null,
  };
}

/** `bytes_sent` and the others are per second, as they are in the original. */
export function interfaceToJson(link: InterfaceRates) {
  return {
    interface: link.name,
    bytes_sent: toWhole(link.sentBytes),
    bytes_recv: toWhole(link.receivedBytes),
    packets_sent: toWhole(link.sentPackets),
    packets_recv: toWhole(link.receivedPackets),
    errors_in: toWhole(link.errorsIn),
    errors_out: toWhole(link.errorsOut),
    speed_bits_per_second: toWhole(link.speedBitsPerSecond),
  };
}

export function hypervisorToJson(
  hypervisor: HypervisorReading | undefined,
  guests: readonly GuestReading[] | undefined,
) {
  const uptimeMs =
    hypervisor?.uptimeSeconds === undefined ? undefined : hypervisor.uptimeSeconds * 1000;
  return {
    cpu_usage: toNumber(hypervisor?.cpuPercent),
    memory_usage: toNumber(hypervisor?.memoryPercent),
    storage_usage: toNumber(hypervisor?.storagePercent),
    uptime_hours: toNumber(uptimeMs === undefined ? undefined : uptimeMs / HOUR_MS),
    vm_count: guests?.length ?? null,
    product: hypervisor?.product ?? null,
  };
}

export function guestToJson(guest: GuestReading) {
  return {
    vmid: /^\d{1,9}$/.test(guest.id) ? Number(guest.id) : guest.id,
    name: guest.name,
    status: guest.status,
    cpu_usage: toNumber(guest.cpuPercent),
    memory_used_gb: toGb(guest.memoryUsedBytes),
    memory_total_gb: toGb(guest.memoryTotalBytes),
    memory_usage_percent: toPercentOf(guest.memoryUsedBytes, guest.memoryTotalBytes),
    disk_usage_gb: toGb(guest.diskUsedBytes),
    disk_total_gb: toGb(guest.diskTotalBytes),
    uptime_seconds: toWhole(guest.uptimeSeconds),
  };
}

export function filesystemToJson(filesystem: FilesystemReading) {
  const { files, usedBytes } = filesystem;
  const isKnown = files !== undefined && usedBytes !== undefined && files > 0;
  return {
    mount_point: filesystem.mountPoint,
    used_gb: toGb(usedBytes),
    total_gb: toGb(filesystem.totalBytes),
    usage_percent: toPercentOf(usedBytes, filesystem.totalBytes),
    file_count: files ?? null,
    avg_file_size_mb: isKnown ? toMb(usedBytes / files) : null,
    largest_file_mb: toMb(filesystem.largestFileBytes),
  };
}

/** Null where nobody tells of any, which is something else than none. */
export function countGuests(guests: readonly GuestReading[] | undefined) {
  return {
    vm_count: guests?.length ?? null,
    running_vms: guests?.filter(({ status }) => status === 'running').length ?? null,
  };
}

export function sumFilesystems(filesystems: readonly FilesystemReading[] | undefined) {
  return {
    total_filesystems: filesystems?.length ?? null,
    total_used_gb: toGb(sumOf(filesystems?.map(({ usedBytes }) => usedBytes))),
    total_capacity_gb: toGb(sumOf(filesystems?.map(({ totalBytes }) => totalBytes))),
  };
}

export function qdrantToJson(qdrant: QdrantReading) {
  return {
    status: qdrant.status,
    collections: qdrant.collections ?? null,
    total_points: qdrant.points ?? null,
    disk_usage_gb: toGb(qdrant.diskBytes),
    disk_usage_from: qdrant.diskFrom ?? null,
    memory_usage_mb: toMb(qdrant.memoryBytes),
    version: qdrant.version ?? null,
  };
}

export function pressureToJson(pressure: PressureReading | undefined): object | null {
  if (pressure === undefined) return null;
  return {
    cpu_some_percent: toNumber(pressure.cpuSomePercent),
    memory_some_percent: toNumber(pressure.memorySomePercent),
    memory_full_percent: toNumber(pressure.memoryFullPercent),
    io_some_percent: toNumber(pressure.ioSomePercent),
    io_full_percent: toNumber(pressure.ioFullPercent),
  };
}

export function diskRatesToJson(disk: DiskRates) {
  return {
    device: disk.device,
    read_bytes_per_second: toWhole(disk.readBytes),
    written_bytes_per_second: toWhole(disk.writtenBytes),
    reads_per_second: toNumber(disk.reads),
    writes_per_second: toNumber(disk.writes),
    busy_percent: toNumber(disk.busyPercent),
  };
}

export function sourceToJson(source: SourceState) {
  return {
    ...{ kind: source.kind, label: source.label },
    last_answer: toIso(source.answeredAt),
    response_time_ms: toNumber(source.responseMs, 1),
    error: source.error ?? null,
    failures: source.failures,
  };
}
