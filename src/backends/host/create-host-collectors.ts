/** The collectors of what every Linux host tells through /proc and /sys. */
import type { Clock } from '#kernel/clock.ts';
import type { Collector } from '#metrics/collector.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import { createArpCollector } from './arp-collector.ts';
import { createBondingCollector } from './bonding-collector.ts';
import { createClockSyncCollector } from './clock-sync-collector.ts';
import type { CollectorContext } from './collector-context.ts';
import { createConntrackCollector } from './conntrack-collector.ts';
import { createCpuCollector } from './cpu-collector.ts';
import { createCpufreqCollector } from './cpufreq-collector.ts';
import { createDiskstatsCollector } from './diskstats-collector.ts';
import { createDmiCollector } from './dmi-collector.ts';
import { createEdacCollector } from './edac-collector.ts';
import { createEntropyCollector } from './entropy-collector.ts';
import { createFilefdCollector } from './filefd-collector.ts';
import { KernelStat } from './kernel-stat.ts';
import { createLoadavgCollector } from './loadavg-collector.ts';
import { createMdadmCollector } from './mdadm-collector.ts';
import { createMeminfoCollector } from './meminfo-collector.ts';
import { NetDeviceTable } from './net-device-table.ts';
import { createNetclassCollector } from './netclass-collector.ts';
import { createNetdevCollector } from './netdev-collector.ts';
import { createNetstatCollector } from './netstat-collector.ts';
import { createNvmeCollector } from './nvme-collector.ts';
import { createOsCollector } from './os-collector.ts';
import { createPressureCollector } from './pressure-collector.ts';
import { ProcReader } from './proc-file.ts';
import { createProcessCountCollector } from './process-count-collector.ts';
import { createSchedstatCollector } from './schedstat-collector.ts';
import { createSelinuxCollector } from './selinux-collector.ts';
import { createSockstatCollector } from './sockstat-collector.ts';
import { createSoftnetCollector } from './softnet-collector.ts';
import { createStatCollector } from './stat-collector.ts';
import { createTimeCollector } from './time-collector.ts';
import { createUdpQueuesCollector } from './udp-queues-collector.ts';
import { createUnameCollector } from './uname-collector.ts';
import { createUptimeCollector } from './uptime-collector.ts';
import { createVmstatCollector } from './vmstat-collector.ts';

export const HOST_COLLECTOR_NAMES = [
  ...['arp', 'bonding', 'clock_sync', 'conntrack', 'cpu', 'cpufreq', 'diskstats', 'dmi', 'edac'],
  ...['entropy', 'filefd', 'loadavg', 'mdadm', 'meminfo', 'netclass', 'netdev', 'netstat', 'nvme'],
  ...['os', 'pressure', 'process_count', 'schedstat', 'selinux', 'sockstat', 'softnet', 'stat'],
  ...['time', 'udp_queues', 'uname', 'uptime', 'vmstat'],
] as const;
export type HostCollectorName = (typeof HOST_COLLECTOR_NAMES)[number];

export interface HostCollectorsOptions {
  readonly table: SampleTable;
  readonly clock: Clock;
  /** Usually `/proc`. */
  readonly procRoot: string;
  /** Usually `/sys`. */
  readonly sysRoot: string;
  /** What /etc and /run are looked for below; empty, which is the root directory, by default. */
  readonly fileRoot?: string;
  /** Whether a collector is switched on. */
  readonly enabled: (name: HostCollectorName) => boolean;
  /** Whether the usage of each processor is told beside that of all together. */
  readonly perCore?: boolean;
}

/** In the order of HOST_COLLECTOR_NAMES. Nothing is read before the first sample. */
export function createHostCollectors(options: HostCollectorsOptions): Collector[] {
  const { perCore = false, fileRoot = '' } = options;
  const context: CollectorContext = { ...options, fileRoot, reader: new ProcReader() };
  const stat = new KernelStat(context.reader, context.procRoot);
  const devices = new NetDeviceTable(context.reader, context.procRoot);
  const create: Record<HostCollectorName, () => Collector> = {
    arp: () => createArpCollector(context),
    bonding: () => createBondingCollector(context),
    clock_sync: () => createClockSyncCollector(context),
    conntrack: () => createConntrackCollector(context),
    cpu: () => createCpuCollector(context, { stat, perCore }),
    cpufreq: () => createCpufreqCollector(context),
    diskstats: () => createDiskstatsCollector(context),
    dmi: () => createDmiCollector(context),
    edac: () => createEdacCollector(context),
    entropy: () => createEntropyCollector(context),
    filefd: () => createFilefdCollector(context),
    loadavg: () => createLoadavgCollector(context),
    mdadm: () => createMdadmCollector(context),
    meminfo: () => createMeminfoCollector(context),
    netclass: () => createNetclassCollector(context, devices),
    netdev: () => createNetdevCollector(context, devices),
    netstat: () => createNetstatCollector(context),
    nvme: () => createNvmeCollector(context),
    os: () => createOsCollector(context),
    pressure: () => createPressureCollector(context),
    process_count: () => createProcessCountCollector(context),
    schedstat: () => createSchedstatCollector(context),
    selinux: () => createSelinuxCollector(context),
    sockstat: () => createSockstatCollector(context),
    softnet: () => createSoftnetCollector(context),
    stat: () => createStatCollector(context, stat),
    time: () => createTimeCollector(context),
    udp_queues: () => createUdpQueuesCollector(context),
    uname: () => createUnameCollector(context),
    uptime: () => createUptimeCollector(context),
    vmstat: () => createVmstatCollector(context),
  };
  return HOST_COLLECTOR_NAMES.filter(options.enabled).map((name) => create[name]());
}
