/**
 * Measures every machine of this host from the outside, as one collector among those of the host.
 * It stands here because measuring and running machines are two domains that do not know of each
 * other.
 */
import type { DiskReading, InterfaceReading, MemoryReading } from '#events/resource-snapshot.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { MIB } from '#kernel/units.ts';
import type { HostRoster, RosterEntry } from '#machines/host-roster.ts';
import type { GuestStats } from '#machines/hypervisor.ts';
import { counterDelta, toBasisPoints } from '#metrics/counter-delta.ts';
import type { Collector, Tick } from '#metrics/collector.ts';
import type { MachineReading } from '#metrics/host-readings.ts';
import type { MetricFamily, MetricKind } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';

export interface MachineSize {
  readonly vcpus: number;
  readonly memoryMib: number;
}

export interface MachineCollectorParts {
  readonly table: SampleTable;
  readonly roster: HostRoster;
  readonly stats: (id: MachineId, signal: AbortSignal) => Promise<GuestStats | undefined>;
  /** Undefined when it has been deleted meanwhile. */
  readonly sizeOf: (id: MachineId) => Promise<MachineSize | undefined>;
}

const NANOS_PER_MS = 1e6;
const SECTOR_BYTES = 512;

function family(name: string, kind: MetricKind, scale: number, help: string): MetricFamily {
  return { name: `drover_machine_${name}`, kind, scale, help };
}

const FAMILIES = {
  up: family('up', 'gauge', 0, '1 when the machine runs, 0 when it ended by itself.'),
  cpuSeconds: family('cpu_seconds_total', 'counter', 9, 'CPU time of the machine on the host.'),
  cpuPercent: family('cpu_usage_percent', 'gauge', 2, 'Of all its vCPUs: 100 is all of them busy.'),
  vcpus: family('vcpus', 'gauge', 0, 'vCPUs of the machine.'),
  memory: family('memory_bytes', 'gauge', 0, 'Memory that the machine holds on the host.'),
  memorySize: family('memory_size_bytes', 'gauge', 0, 'Memory that the machine was given.'),
  memoryPercent: family('memory_used_percent', 'gauge', 2, 'Memory held, of what it was given.'),
  diskRead: family('disk_read_bytes_total', 'counter', 0, 'Bytes the machine read from disks.'),
  diskWritten: family('disk_written_bytes_total', 'counter', 0, 'Bytes it wrote to disks.'),
  diskReads: family('disk_reads_completed_total', 'counter', 0, 'Reads the machine completed.'),
  diskWrites: family('disk_writes_completed_total', 'counter', 0, 'Writes it completed.'),
  netReceived: family('network_receive_bytes_total', 'counter', 0, 'Bytes the machine received.'),
  netSent: family('network_transmit_bytes_total', 'counter', 0, 'Bytes the machine sent.'),
  netPacketsIn: family('network_receive_packets_total', 'counter', 0, 'Packets it received.'),
  netPacketsOut: family('network_transmit_packets_total', 'counter', 0, 'Packets it sent.'),
} as const;

type SeriesName = keyof typeof FAMILIES;

interface Watched {
  readonly series: Readonly<Record<SeriesName, LiveSeries>>;
  size: MachineSize | undefined;
  previous: GuestStats | undefined;
  usageBps: number | undefined;
}

export class MachineCollector implements Collector {
  readonly name = 'machines';
  readonly #parts: MachineCollectorParts;
  readonly #watched = new Map<MachineId, Watched>();

  constructor(parts: MachineCollectorParts) {
    this.#parts = parts;
  }

  collect(tick: Tick): Promise<void> | undefined {
    const entries = [...this.#parts.roster.entries];
    this.#forgetOthers(entries);
    tick.readings.machines = [];
    // Without machines there is nothing to wait for.
    return entries.length === 0 ? undefined : this.#collectAll(entries, tick);
  }

  /** One that cannot be measured spoils the collector's success, and nothing of the others. */
  async #collectAll(entries: readonly RosterEntry[], tick: Tick): Promise<void> {
    const readings: MachineReading[] = [];
    tick.readings.machines = readings;
    const all = entries.map(async (entry) => {
      const reading = await this.#measure(entry, tick);
      if (reading !== undefined) readings.push(reading);
    });
    const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async #measure(
    { machineId, customerId, isUp }: RosterEntry,
    tick: Tick,
  ): Promise<MachineReading | undefined> {
    const watched = this.#watch(machineId, customerId);
    watched.series.up.set(isUp ? 1 : 0);
    if (!isUp) {
      watched.previous = undefined;
      return undefined;
    }
    watched.size ??= await this.#parts.sizeOf(machineId);
    const stats = await this.#parts.stats(machineId, tick.signal);
    // Too late: the tick has ended, and these numbers would stand for the next one.
    if (stats === undefined || tick.signal.aborted) return undefined;
    const cpuUsageBps = usageOf(watched, stats);
    watched.usageBps = cpuUsageBps;
    this.#set(watched, stats, cpuUsageBps);
    watched.previous = stats;
    return {
      ...{ machineId, customerId, cpuUsageBps },
      memory: memoryReading(stats, watched.size),
      disks: [diskReading(stats)],
      interfaces: interfaceReadings(stats),
    };
  }

  #set({ series, size }: Watched, stats: GuestStats, cpuUsageBps: number | undefined): void {
    const set = (name: SeriesName, sample: number | undefined) => {
      if (sample !== undefined) series[name].set(Math.round(sample));
    };
    set('cpuSeconds', stats.cpuTimeNanos);
    set('cpuPercent', cpuUsageBps);
    set('vcpus', size?.vcpus);
    set('memory', stats.memoryBytes);
    set('memorySize', size === undefined ? undefined : size.memoryMib * MIB);
    set('memoryPercent', size && toBasisPoints(stats.memoryBytes, size.memoryMib * MIB));
    set('diskRead', stats.diskReadBytes);
    set('diskWritten', stats.diskWriteBytes);
    set('diskReads', stats.diskReadOps);
    set('diskWrites', stats.diskWriteOps);
    set('netReceived', stats.netRxBytes);
    set('netSent', stats.netTxBytes);
    set('netPacketsIn', stats.netRxPackets);
    set('netPacketsOut', stats.netTxPackets);
  }

  #watch(machineId: MachineId, customerId: CustomerId): Watched {
    const known = this.#watched.get(machineId);
    if (known !== undefined) return known;
    const labels = { machine_id: machineId, customer_id: customerId };
    const open = (name: SeriesName) => this.#parts.table.family(FAMILIES[name]).series(labels);
    const names = Object.keys(FAMILIES) as SeriesName[];
    const series = Object.fromEntries(names.map((name) => [name, open(name)]));
    const made = { series: series as Watched['series'], size: undefined };
    const watched = { ...made, previous: undefined, usageBps: undefined };
    this.#watched.set(machineId, watched);
    return watched;
  }

  #forgetOthers(entries: readonly RosterEntry[]): void {
    if (this.#watched.size === 0) return;
    const here = new Set(entries.map(({ machineId }) => machineId));
    for (const id of this.#watched.keys()) if (!here.has(id)) this.#watched.delete(id);
  }
}

function usageOf({ previous, size, usageBps }: Watched, stats: GuestStats): number | undefined {
  if (previous === undefined || size === undefined) return undefined;
  // The backend may answer a call that comes early with the sample it has.
  if (stats.sampledAt === previous.sampledAt) return usageBps;
  const elapsedMs = stats.sampledAt - previous.sampledAt;
  const busyNanos = counterDelta(previous.cpuTimeNanos, stats.cpuTimeNanos, elapsedMs);
  if (busyNanos === undefined) return undefined;
  return toBasisPoints(busyNanos, elapsedMs * NANOS_PER_MS * size.vcpus);
}

function memoryReading(stats: GuestStats, size: MachineSize | undefined): MemoryReading {
  return {
    totalBytes: size === undefined ? undefined : size.memoryMib * MIB,
    usedBytes: stats.memoryBytes,
    // Only the guest knows these.
    freeBytes: undefined,
    availableBytes: undefined,
    swapTotalBytes: undefined,
    swapUsedBytes: undefined,
  };
}

/** All disks of the machine together. */
function diskReading(stats: GuestStats): DiskReading {
  return {
    deviceName: 'all',
    readsCompleted: stats.diskReadOps,
    readsMerged: undefined,
    sectorsRead: Math.floor(stats.diskReadBytes / SECTOR_BYTES),
    timeReadingMs: undefined,
    writesCompleted: stats.diskWriteOps,
    writesMerged: undefined,
    sectorsWritten: Math.floor(stats.diskWriteBytes / SECTOR_BYTES),
    timeWritingMs: undefined,
    ioInProgress: undefined,
    timeDoingIoMs: undefined,
    weightedTimeDoingIoMs: undefined,
  };
}

/** All interfaces together; none where nobody counts them. */
function interfaceReadings(stats: GuestStats): readonly InterfaceReading[] {
  if (stats.netRxBytes === undefined) return [];
  const reading: InterfaceReading = {
    name: 'all',
    bytesSent: stats.netTxBytes,
    bytesReceived: stats.netRxBytes,
    packetsSent: stats.netTxPackets,
    packetsReceived: stats.netRxPackets,
    errorsIn: undefined,
    errorsOut: undefined,
    dropsIn: undefined,
    dropsOut: undefined,
    speedBitsPerSecond: undefined,
  };
  return [reading];
}
