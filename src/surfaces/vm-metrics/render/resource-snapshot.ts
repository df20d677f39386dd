/** The documented object of `GET /get`, which webhooks carry too. Every number in it is whole. */
import type {
  DiskReading,
  GpuReading,
  InterfaceReading,
  MemoryReading,
  ResourceSnapshot,
} from '#events/resource-snapshot.ts';

export interface SnapshotStyle {
  /**
   * As the original program wrote it, against its own document: `usage_pct` is a hundredth of a
   * percent, and a number that is not known is 0 where the document knows no null.
   */
  readonly usagePctX100: boolean;
}

export function snapshotToJson(
  snapshot: ResourceSnapshot,
  { usagePctX100 }: SnapshotStyle,
): Record<string, unknown> {
  const unknown = usagePctX100 ? 0 : null;
  const { cpuUsageBps, load } = snapshot;
  const usage = usagePctX100 || cpuUsageBps === undefined ? cpuUsageBps : cpuUsageBps / 100;
  return {
    timestamp: Math.floor(snapshot.atMs / 1000),
    instance_id: snapshot.instanceId,
    account_id: snapshot.accountId ?? null,
    cpu: {
      usage_pct: usage === undefined ? unknown : Math.round(usage),
      process_count: snapshot.processCount ?? unknown,
    },
    memory: memoryToJson(snapshot.memory, unknown),
    disks: snapshot.disks.map((disk) => diskToJson(disk, unknown)),
    network: { interfaces: snapshot.interfaces.map((nic) => interfaceToJson(nic, unknown)) },
    gpus: snapshot.gpus.map((gpu) => gpuToJson(gpu, unknown)),
    load: {
      load1: load?.load1 ?? unknown,
      load5: load?.load5 ?? unknown,
      load15: load?.load15 ?? unknown,
    },
  };
}

function memoryToJson(memory: MemoryReading | undefined, unknown: 0 | null) {
  return {
    total: memory?.totalBytes ?? unknown,
    free: memory?.freeBytes ?? unknown,
    available: memory?.availableBytes ?? unknown,
    used: memory?.usedBytes ?? unknown,
    total_swap: memory?.swapTotalBytes ?? unknown,
    used_swap: memory?.swapUsedBytes ?? unknown,
  };
}

function diskToJson(disk: DiskReading, unknown: 0 | null) {
  return {
    device_name: disk.deviceName,
    reads_completed: disk.readsCompleted ?? unknown,
    reads_merged: disk.readsMerged ?? unknown,
    sectors_read: disk.sectorsRead ?? unknown,
    time_reading: disk.timeReadingMs ?? unknown,
    writes_completed: disk.writesCompleted ?? unknown,
    writes_merged: disk.writesMerged ?? unknown,
    sectors_written: disk.sectorsWritten ?? unknown,
    time_writing: disk.timeWritingMs ?? unknown,
    io_in_progress: disk.ioInProgress ?? unknown,
    time_doing_io: disk.timeDoingIoMs ?? unknown,
    weighted_time_doing_io: disk.weightedTimeDoingIoMs ?? unknown,
  };
}

function interfaceToJson(nic: InterfaceReading, unknown: 0 | null) {
  return {
    name: nic.name,
    bytes_sent: nic.bytesSent ?? unknown,
    bytes_received: nic.bytesReceived ?? unknown,
    packets_sent: nic.packetsSent ?? unknown,
    packets_received: nic.packetsReceived ?? unknown,
    errors_in: nic.errorsIn ?? unknown,
    errors_out: nic.errorsOut ?? unknown,
    drops_in: nic.dropsIn ?? unknown,
    drops_out: nic.dropsOut ?? unknown,
    speed: nic.speedBitsPerSecond ?? unknown,
  };
}

function gpuToJson(gpu: GpuReading, unknown: 0 | null) {
  return {
    index: gpu.index,
    model: gpu.model,
    utilization_bps: gpu.utilizationBps ?? unknown,
    memory_usage_bps: gpu.memoryUsageBps ?? unknown,
    temperature_deci_c: gpu.temperatureDeciC ?? unknown,
    power_draw_deci_w: gpu.powerDrawDeciW ?? unknown,
  };
}
