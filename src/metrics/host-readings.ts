/**
 * What one tick found out, as structures: for answers that show a host or a machine as a whole.
 * A part that could not be measured is undefined, and so is a number within a part.
 */
import type {
  DiskReading,
  GpuReading,
  InterfaceReading,
  LoadReading,
  MemoryReading,
} from '#events/resource-snapshot.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';

export interface HostReadings {
  /** Of all processors together since the tick before: 10000 is all of them busy. */
  cpuUsageBps?: number | undefined;
  processCount?: number | undefined;
  memory?: MemoryReading | undefined;
  disks?: readonly DiskReading[] | undefined;
  interfaces?: readonly InterfaceReading[] | undefined;
  gpus?: readonly GpuReading[] | undefined;
  load?: LoadReading | undefined;
  machines?: readonly MachineReading[] | undefined;
}

/** A machine of this host, measured from the outside. */
export interface MachineReading {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  /** Of the machine's own processors together: 10000 is all of them busy. */
  readonly cpuUsageBps: number | undefined;
  readonly memory: MemoryReading | undefined;
  readonly disks: readonly DiskReading[];
  readonly interfaces: readonly InterfaceReading[];
}
