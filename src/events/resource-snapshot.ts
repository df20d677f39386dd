/**
 * How a host or a machine stood at one instant. All numbers are whole, so that they survive any
 * JSON parser; a number that nobody could measure is undefined.
 */

export interface MemoryReading {
  readonly totalBytes: number | undefined;
  readonly freeBytes: number | undefined;
  readonly availableBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapUsedBytes: number | undefined;
}

/** Counted since boot, but for `ioInProgress`. A sector is 512 bytes; times are milliseconds. */
export interface DiskReading {
  readonly deviceName: string;
  readonly readsCompleted: number | undefined;
  readonly readsMerged: number | undefined;
  readonly sectorsRead: number | undefined;
  readonly timeReadingMs: number | undefined;
  readonly writesCompleted: number | undefined;
  readonly writesMerged: number | undefined;
  readonly sectorsWritten: number | undefined;
  readonly timeWritingMs: number | undefined;
  readonly ioInProgress: number | undefined;
  readonly timeDoingIoMs: number | undefined;
  readonly weightedTimeDoingIoMs: number | undefined;
}

/** Counted since boot, but for the speed. */
export interface InterfaceReading {
  readonly name: string;
  readonly bytesSent: number | undefined;
  readonly bytesReceived: number | undefined;
  readonly packetsSent: number | undefined;
  readonly packetsReceived: number | undefined;
  readonly errorsIn: number | undefined;
  readonly errorsOut: number | undefined;
  readonly dropsIn: number | undefined;
  readonly dropsOut: number | undefined;
  /** Undefined where the link has none to tell: loopback, bridges, a cable that is out. */
  readonly speedBitsPerSecond: number | undefined;
}

export interface GpuReading {
  readonly index: number;
  readonly model: string;
  /** 0..10000 */
  readonly utilizationBps: number | undefined;
  readonly memoryUsageBps: number | undefined;
  /** Tenths of a degree Celsius. */
  readonly temperatureDeciC: number | undefined;
  /** Tenths of a watt. */
  readonly powerDrawDeciW: number | undefined;
}

/** Each average times 100. */
export interface LoadReading {
  readonly load1: number;
  readonly load5: number;
  readonly load15: number;
}

export interface ResourceSnapshot {
  readonly atMs: number;
  /** Of the host: what it was told to be called. Of a machine: the machine's id. */
  readonly instanceId: string;
  readonly accountId: string | undefined;
  /** 0..10000 */
  readonly cpuUsageBps: number | undefined;
  readonly processCount: number | undefined;
  readonly memory: MemoryReading | undefined;
  readonly disks: readonly DiskReading[];
  readonly interfaces: readonly InterfaceReading[];
  readonly gpus: readonly GpuReading[];
  readonly load: LoadReading | undefined;
}
