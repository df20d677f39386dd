/**
 * What one source knows of one server at one instant. A part that it does not tell is undefined,
 * and so is a number within a part: nothing here is ever made up. Sizes are bytes, shares go from
 * 0 to 100, rates are per second.
 */

export interface CpuReading {
  readonly usagePercent: number | undefined;
  /** Per mode, such as `user` and `iowait`, of all processors together; idle is not among them. */
  readonly modePercents: Readonly<Record<string, number>> | undefined;
  readonly cores: number | undefined;
  readonly temperatureC: number | undefined;
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number] | undefined;
}

export interface MemoryShares {
  readonly totalBytes: number | undefined;
  readonly availableBytes: number | undefined;
  /** Total less available, as the kernel counts what programs could have. */
  readonly usedBytes: number | undefined;
  readonly cachedBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapUsedBytes: number | undefined;
}

export interface GpuShares {
  readonly index: number;
  readonly name: string;
  readonly usagePercent: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  readonly fanPercent: number | undefined;
}

export interface FilesystemReading {
  readonly mountPoint: string;
  readonly device: string;
  readonly fstype: string | undefined;
  readonly totalBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly availableBytes: number | undefined;
  /** Inodes in use; undefined where the file system does not count them. */
  readonly files: number | undefined;
  readonly filesTotal: number | undefined;
  /** Only where somebody looks for it, see the documents on storage servers. */
  readonly largestFileBytes: number | undefined;
  readonly isReadOnly: boolean | undefined;
}

export interface DiskRates {
  readonly device: string;
  readonly readBytes: number | undefined;
  readonly writtenBytes: number | undefined;
  readonly reads: number | undefined;
  readonly writes: number | undefined;
  readonly busyPercent: number | undefined;
}

export interface InterfaceRates {
  readonly name: string;
  readonly sentBytes: number | undefined;
  readonly receivedBytes: number | undefined;
  readonly sentPackets: number | undefined;
  readonly receivedPackets: number | undefined;
  readonly errorsIn: number | undefined;
  readonly errorsOut: number | undefined;
  /** Undefined where the link has none to tell. */
  readonly speedBitsPerSecond: number | undefined;
}

export interface SensorReading {
  readonly name: string;
  readonly celsius: number;
}

/** Shares of the time in which some, or all, tasks waited. */
export interface PressureReading {
  readonly cpuSomePercent: number | undefined;
  readonly memorySomePercent: number | undefined;
  readonly memoryFullPercent: number | undefined;
  readonly ioSomePercent: number | undefined;
  readonly ioFullPercent: number | undefined;
}

export interface HypervisorReading {
  /** `Proxmox VE 8.2.4`, `Drover 0.1.0`. */
  readonly product: string;
  readonly cpuPercent: number | undefined;
  readonly memoryPercent: number | undefined;
  readonly storagePercent: number | undefined;
  readonly uptimeSeconds: number | undefined;
}

export interface GuestReading {
  /** As its hypervisor calls it: a number at Proxmox, the id of a machine here. */
  readonly id: string;
  readonly name: string;
  /** `running`, `stopped`, `paused`, or the hypervisor's own word. */
  readonly status: string;
  readonly cpuPercent: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  /** What its files take, as its agent tells; undefined without one. */
  readonly diskUsedBytes: number | undefined;
  readonly diskTotalBytes: number | undefined;
  readonly uptimeSeconds: number | undefined;
}

export interface QdrantReading {
  readonly status: 'running' | 'error';
  readonly version: string | undefined;
  readonly collections: number | undefined;
  readonly points: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly diskBytes: number | undefined;
  /** Where the size on disk comes from; undefined when nobody tells it. */
  readonly diskFrom: 'telemetry' | 'filesystem' | undefined;
}

export interface ServerReading {
  readonly uptimeSeconds?: number | undefined;
  readonly cpu?: CpuReading | undefined;
  readonly memory?: MemoryShares | undefined;
  readonly gpus?: readonly GpuShares[] | undefined;
  readonly filesystems?: readonly FilesystemReading[] | undefined;
  readonly disks?: readonly DiskRates[] | undefined;
  readonly network?: readonly InterfaceRates[] | undefined;
  readonly sensors?: readonly SensorReading[] | undefined;
  readonly pressure?: PressureReading | undefined;
  readonly hypervisor?: HypervisorReading | undefined;
  readonly guests?: readonly GuestReading[] | undefined;
  readonly qdrant?: QdrantReading | undefined;
}
