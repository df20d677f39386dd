/** The collectors of what not every host has: filesystems apart, sensors, GPUs, control groups. */
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { Collector } from '#metrics/collector.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import { CgroupCollector } from './cgroup-collector.ts';
import { FilesystemCollector } from './filesystem-collector.ts';
import { DEFAULT_MOUNT_FILTER } from './filesystem-mounts.ts';
import type { MountFilter } from './filesystem-mounts.ts';
import { GpuCollector } from './gpu-collector.ts';
import { HwmonCollector } from './hwmon-collector.ts';
import { PowersupplyCollector } from './powersupply-collector.ts';
import { RaplCollector } from './rapl-collector.ts';
import { askByChild, askByThread } from './statfs-question.ts';
import { ThermalCollector } from './thermal-collector.ts';

export const EXTRA_COLLECTOR_NAMES = [
  'filesystem',
  'hwmon',
  'thermal_zone',
  'powersupplyclass',
  'rapl',
  'gpu',
  'cgroup',
] as const;
export type ExtraCollectorName = (typeof EXTRA_COLLECTOR_NAMES)[number];

export interface ExtraHostCollectorsOptions {
  readonly table: SampleTable;
  readonly clock: Clock;
  readonly log: Log;
  /** Usually `/proc`. */
  readonly procRoot: string;
  /** Usually `/sys`. */
  readonly sysRoot: string;
  /** Whether a collector is switched on. */
  readonly enabled: (name: ExtraCollectorName) => boolean;
  /** Which filesystems are left out; by default those that node_exporter leaves out. */
  readonly mountFilter?: MountFilter;
  /** Programs, found by PATH when they are bare names. */
  readonly nvidiaSmi?: string;
  readonly stat?: string;
}

/** In the order of EXTRA_COLLECTOR_NAMES. Nothing is read or started before the first sample. */
export function createExtraHostCollectors(options: ExtraHostCollectorsOptions): Collector[] {
  const { nvidiaSmi = 'nvidia-smi', stat = 'stat', mountFilter = DEFAULT_MOUNT_FILTER } = options;
  const create: Record<ExtraCollectorName, () => Collector> = {
    filesystem: () =>
      new FilesystemCollector({
        ...options,
        filter: mountFilter,
        askLocal: askByThread,
        askRemote: askByChild(stat),
      }),
    hwmon: () => new HwmonCollector(options),
    thermal_zone: () => new ThermalCollector(options),
    powersupplyclass: () => new PowersupplyCollector(options),
    rapl: () => new RaplCollector(options),
    gpu: () => new GpuCollector({ ...options, nvidiaSmi }),
    cgroup: () => new CgroupCollector(options),
  };
  return EXTRA_COLLECTOR_NAMES.filter(options.enabled).map((name) => create[name]());
}
