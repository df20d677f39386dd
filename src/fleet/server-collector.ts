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

/** So many series are made in a tick: with all of a large fleet at once it would take too long. */
const MOST_NEW = 2000;

type FamilyName = keyof typeof SERVER_FAMILIES;
/** `label` is the value of the family's label beside that of the server, where it has one. */
type Put = (name: FamilyName, value: number | undefined, label?: string) => void;

interface Kept {
  readonly server: ServerId;
  readonly series: Map<string, LiveSeries>;
  /** What was made of the snapshot: the same again until there is another one. */
  snapshot: ServerSnapshot | undefined;
  readonly made: Sample[];
  seenInTick: number;
}

interface Sample {
  readonly name: FamilyName;
  readonly label: string | undefined;
  readonly series: LiveSeries;
  value: number;
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
  #newInTick = 0;
  #isFullTold = false;

  constructor(parts: ServerCollectorParts) {
    this.#parts = parts;
    this.#mostSeries = parts.mostSeries ?? MOST_SERVER_SERIES;
  }

  collect(): void {
    this.#tick += 1;
    this.#newInTick = 0;
    for (const snapshot of this.#parts.fleet.list()) this.#publish(snapshot);
    for (const [id, { seenInTick, series }] of this.#kept) {
      if (seenInTick === this.#tick) continue;
      this.#kept.delete(id);
      this.#seriesCount -= series.size;
    }
  }

  #publish(snapshot: ServerSnapshot): void {
    const { id } = snapshot.server;
    let kept = this.#kept.get(id);
    if (kept === undefined) {
      kept = { server: id, series: new Map(), snapshot: undefined, made: [], seenInTick: 0 };
      this.#kept.set(id, kept);
    }
    kept.seenInTick = this.#tick;
    if (kept.snapshot !== snapshot) this.#make(kept, snapshot);
    for (const { series, value } of kept.made) series.set(value);
  }

  /** A snapshot mostly tells the same things as the one before, in the same order. */
  #make(kept: Kept, snapshot: ServerSnapshot): void {
    const { made } = kept;
    let count = 0;
    let isWhole = true;
    const put: Put = (name, value, label) => {
      if (value === undefined) return;
      let sample = made[count];
      if (sample === undefined || sample.name !== name || sample.label !== label) {
        const series = this.#find(kept, name, label);
        if (series === undefined) {
          isWhole = false;
          return;
        }
        sample = { name, label, series, value: 0 };
        made[count] = sample;
      }
      sample.value = Math.round(value * powerOfScale(SERVER_FAMILIES[name].scale));
      count += 1;
    };
    putServer(snapshot, put);
    made.length = count;
    // What was left out may have room by the next time.
    kept.snapshot = isWhole ? snapshot : undefined;
  }

  #find(kept: Kept, name: FamilyName, label: string | undefined): LiveSeries | undefined {
    const key = label === undefined ? name : `${name} ${label}`;
    const known = kept.series.get(key);
    if (known !== undefined || this.#newInTick >= MOST_NEW || !this.#hasRoom(kept)) return known;
    const family = this.#parts.table.family(SERVER_FAMILIES[name]);
    const series = family.series(labelsOf(kept.server, name, label));
    kept.series.set(key, series);
    this.#seriesCount += 1;
    this.#newInTick += 1;
    return series;
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

/** All that there are series of. */
export function putServer(snapshot: ServerSnapshot, put: Put): void {
  putState(snapshot, put);
  putShares(snapshot, put);
  putLists(snapshot, put);
}

/** Of the series for what is put. */
export function labelsOf(
  server: ServerId,
  name: FamilyName,
  label: string | undefined,
): Readonly<Record<string, string>> {
  const by = LABELS[name];
  return by === undefined || label === undefined ? { server } : { server, [by]: label };
}

function putState({ status, responseMs, alerts, reading }: ServerSnapshot, put: Put): void {
  for (const each of SERVER_STATUSES) put('status', each === status ? 1 : 0, each);
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
    put('cpuMode', percent, mode);
  }
  put('memoryUsed', memory?.usedBytes);
  put('memoryTotal', memory?.totalBytes);
  put('memoryPercent', shareOf(memory?.usedBytes, memory?.totalBytes));
  put('swapUsed', memory?.swapUsedBytes);
  put('pressure', pressure?.cpuSomePercent, 'cpu');
  put('pressure', pressure?.memorySomePercent, 'memory');
  put('pressure', pressure?.ioSomePercent, 'io');
  put('guests', guests?.length);
  put('guestsRunning', guests?.filter(({ status }) => status === 'running').length);
  put('points', qdrant?.points);
}

function putLists({ reading }: ServerSnapshot, put: Put): void {
  for (const gpu of first(reading.gpus)) {
    const index = String(gpu.index);
    put('gpu', gpu.usagePercent, index);
    put('gpuMemory', shareOf(gpu.memoryUsedBytes, gpu.memoryTotalBytes), index);
    put('gpuTemperature', gpu.temperatureC, index);
    put('gpuPower', gpu.powerW, index);
  }
  for (const { mountPoint, usedBytes, totalBytes } of first(reading.filesystems)) {
    put('filesystem', shareOf(usedBytes, totalBytes), mountPoint);
  }
  for (const { device, readBytes, writtenBytes, busyPercent } of first(reading.disks)) {
    put('diskRead', readBytes, device);
    put('diskWritten', writtenBytes, device);
    put('diskBusy', busyPercent, device);
  }
  for (const { name, receivedBytes, sentBytes } of first(reading.network)) {
    put('received', receivedBytes, name);
    put('sent', sentBytes, name);
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

export const SERVER_FAMILIES = {
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

/** What tells the series of a family apart, of one server. */
const LABELS: Readonly<Partial<Record<FamilyName, string>>> = {
  ...{ status: 'status', cpuMode: 'mode', pressure: 'resource', filesystem: 'mountpoint' },
  ...{ gpu: 'gpu', gpuMemory: 'gpu', gpuTemperature: 'gpu', gpuPower: 'gpu' },
  ...{ diskRead: 'device', diskWritten: 'device', diskBusy: 'device' },
  ...{ received: 'device', sent: 'device' },
};
