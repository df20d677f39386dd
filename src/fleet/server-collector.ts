/**
 * Makes series of what is known of servers, so that history, rules, queries and remote write are
 * the same for them as for this host. A value is repeated until its source's next answer, and
 * absent once that is too old to be shown.
 */
import type { ServerId } from '#kernel/ids.ts';
import type { Collector } from '#metrics/collector.ts';
import { powerOfScale, type MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import type { Fleet } from './fleet.ts';
import { MOST_SERVERS } from './parse-server.ts';
import { SERVER_STATUSES, type ServerSnapshot } from './server-snapshot.ts';

/** Of one server: no list of anything gets more series than this. */
const MOST_OF_A_KIND = 32;
const MOST_KEPT = 1000;

type Labels = Readonly<Record<string, string>>;
type Put = (name: keyof typeof FAMILIES, value: number | undefined, labels?: Labels) => void;

interface Kept {
  readonly server: ServerId;
  readonly series: Map<string, LiveSeries>;
  seenInTick: number;
}

/** A hundred for each server there can be; one without GPUs and with few disks has fifty. */
export const MOST_SERVER_SERIES = 100 * MOST_SERVERS;

export interface ServerCollectorParts {
  readonly fleet: Pick<Fleet, 'list'>;
  readonly table: SampleTable;
  /** Of all servers: what is over it is left out, so that this host always has its own. */
  readonly mostSeries?: number;
  /** Told once, when something is left out. */
  readonly onFull: (mostSeries: number) => void;
}

export class ServerCollector implements Collector {
  readonly name = 'servers';
  readonly #parts: ServerCollectorParts;
  readonly #mostSeries: number;
  readonly #kept = new Map<ServerId, Kept>();
  #tick = 0;
  #seriesCount = 0;
  #isFullTold = false;

  constructor(parts: ServerCollectorParts) {
    this.#parts = parts;
    this.#mostSeries = parts.mostSeries ?? MOST_SERVER_SERIES;
  }

  collect(): void {
    this.#tick += 1;
    for (const snapshot of this.#parts.fleet.list()) this.#publish(snapshot);
    for (const [id, { seenInTick, series }] of this.#kept) {
      if (seenInTick === this.#tick) continue;
      this.#kept.delete(id);
      this.#seriesCount -= series.size;
    }
  }

  #publish(snapshot: ServerSnapshot): void {
    const { id } = snapshot.server;
    const kept = this.#kept.get(id) ?? { server: id, series: new Map(), seenInTick: 0 };
    this.#kept.set(id, kept);
    kept.seenInTick = this.#tick;
    const put: Put = (name, value, labels) => {
      if (value === undefined) return;
      const family = FAMILIES[name];
      const key = labels === undefined ? name : `${name} ${Object.values(labels).join(' ')}`;
      let series = kept.series.get(key);
      if (series === undefined) {
        if (!this.#hasRoom(kept)) return;
        series = this.#parts.table.family(family).series({ server: id, ...labels });
        kept.series.set(key, series);
        this.#seriesCount += 1;
      }
      series.set(Math.round(value * powerOfScale(family.scale)));
    };
    putState(snapshot, put);
    putShares(snapshot, put);
    putLists(snapshot, put);
  }

  #hasRoom({ series }: Kept): boolean {
    // Mounts and links that come and go under new names must not pile up here.
    if (series.size >= MOST_KEPT) {
      this.#seriesCount -= series.size;
      series.clear();
    }
    if (this.#seriesCount < this.#mostSeries) return true;
    if (!this.#isFullTold) this.#parts.onFull(this.#mostSeries);
    this.#isFullTold = true;
    return false;
  }
}

function putState({ status, responseMs, alerts, reading }: ServerSnapshot, put: Put): void {
  for (const each of SERVER_STATUSES) put('status', each === status ? 1 : 0, { status: each });
  put('response', responseMs === undefined ? undefined : responseMs / 1000);
  put('alerts', alerts);
  put('uptime', reading.uptimeSeconds);
}

function putShares({ reading }: ServerSnapshot, put: Put): void {
  const { cpu, memory, pressure, guests, qdrant } = reading;
  put('cpu', cpu?.usagePercent);
  put('cpuTemperature', cpu?.temperatureC);
  put('load1', cpu?.load?.[0]);
  for (const [mode, percent] of Object.entries(cpu?.modePercents ?? {}).slice(0, MOST_OF_A_KIND)) {
    put('cpuMode', percent, { mode });
  }
  put('memoryUsed', memory?.usedBytes);
  put('memoryTotal', memory?.totalBytes);
  put('memoryPercent', shareOf(memory?.usedBytes, memory?.totalBytes));
  put('swapUsed', memory?.swapUsedBytes);
  put('pressure', pressure?.cpuSomePercent, { resource: 'cpu' });
  put('pressure', pressure?.memorySomePercent, { resource: 'memory' });
  put('pressure', pressure?.ioSomePercent, { resource: 'io' });
  put('guests', guests?.length);
  put('guestsRunning', guests?.filter(({ status }) => status === 'running').length);
  put('points', qdrant?.points);
}

function putLists({ reading }: ServerSnapshot, put: Put): void {
  for (const gpu of first(reading.gpus)) {
    const labels = { gpu: String(gpu.index) };
    put('gpu', gpu.usagePercent, labels);
    put('gpuMemory', shareOf(gpu.memoryUsedBytes, gpu.memoryTotalBytes), labels);
    put('gpuTemperature', gpu.temperatureC, labels);
    put('gpuPower', gpu.powerW, labels);
  }
  for (const { mountPoint, usedBytes, totalBytes } of first(reading.filesystems)) {
    put('filesystem', shareOf(usedBytes, totalBytes), { mountpoint: mountPoint });
  }
  for (const { device, readBytes, writtenBytes, busyPercent } of first(reading.disks)) {
    put('diskRead', readBytes, { device });
    put('diskWritten', writtenBytes, { device });
    put('diskBusy', busyPercent, { device });
  }
  for (const { name, receivedBytes, sentBytes } of first(reading.network)) {
    put('received', receivedBytes, { device: name });
    put('sent', sentBytes, { device: name });
  }
}

function first<T>(list: readonly T[] | undefined): readonly T[] {
  return list?.slice(0, MOST_OF_A_KIND) ?? [];
}

function shareOf(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole === 0) return undefined;
  return (part * 100) / whole;
}

function gauge(name: string, scale: number, help: string): MetricFamily {
  return { name: `drover_server_${name}`, help, kind: 'gauge', scale };
}

const FAMILIES = {
  status: gauge('status', 0, 'One for the status the watched server has, else zero.'),
  response: gauge('response_seconds', 4, 'How long its slowest source took to answer.'),
  alerts: gauge('alerts', 0, 'Rules that fire for the server.'),
  uptime: gauge('uptime_seconds', 0, 'Since the server was started.'),
  cpu: gauge('cpu_usage_percent', 2, 'Of all processors together.'),
  cpuMode: gauge('cpu_mode_percent', 2, 'Of all processors together, by what they did.'),
  cpuTemperature: gauge('cpu_temperature_celsius', 1, 'Of the processor.'),
  load1: gauge('load1', 2, 'Average number of tasks that ran or waited, over a minute.'),
  memoryUsed: gauge('memory_used_bytes', 0, 'Memory that programs could not have.'),
  memoryTotal: gauge('memory_total_bytes', 0, 'Memory there is.'),
  memoryPercent: gauge('memory_used_percent', 2, 'Used memory, of all there is.'),
  swapUsed: gauge('swap_used_bytes', 0, 'Used swap space.'),
  pressure: gauge('pressure_percent', 2, 'Share of the time in which some task waited.'),
  gpu: gauge('gpu_usage_percent', 2, 'Share of the time in which the GPU was busy.'),
  gpuMemory: gauge('gpu_memory_used_percent', 2, 'Used memory of the GPU, of all it has.'),
  gpuTemperature: gauge('gpu_temperature_celsius', 1, 'Of the GPU.'),
  gpuPower: gauge('gpu_power_watts', 1, 'That the GPU draws.'),
  filesystem: gauge('filesystem_used_percent', 2, 'Used space, of all there is.'),
  diskRead: gauge('disk_read_bytes_per_second', 0, 'Read from the device.'),
  diskWritten: gauge('disk_written_bytes_per_second', 0, 'Written to the device.'),
  diskBusy: gauge('disk_busy_percent', 2, 'Share of the time in which the device was busy.'),
  received: gauge('network_received_bytes_per_second', 0, 'Received by the interface.'),
  sent: gauge('network_sent_bytes_per_second', 0, 'Sent by the interface.'),
  guests: gauge('guests', 0, 'Virtual machines on the server.'),
  guestsRunning: gauge('guests_running', 0, 'Virtual machines that run on the server.'),
  points: gauge('qdrant_points', 0, 'Points in all collections of its Qdrant.'),
} as const;
