/**
 * What the control groups of this host use: services, slices and containers, down to two levels
 * below the root, by version 2 of the kernel's interface. Where there is only version 1, or no
 * control groups at all, there is nothing to measure and no error.
 */
import { statSync } from 'node:fs';

import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Collector } from '#metrics/collector.ts';
import type { MetricFamily, MetricKind } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import { listSysfsDir, parseInteger, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

export interface CgroupCollectorOptions {
  readonly table: SampleTable;
  readonly sysRoot: string;
  readonly clock: Clock;
  readonly mostGroups?: number;
}

const DEPTH = 2;
const MOST_GROUPS = 200;
/** How often new groups, and new limits, are looked for. */
const LOOK_AGAIN_MS = 10 * SECOND_MS;

function metric(name: string, kind: MetricKind, help: string, scale = 0): MetricFamily {
  return { name: `drover_cgroup_${name}`, kind, help, scale };
}

const CPU_USAGE = metric('cpu_usage_seconds_total', 'counter', 'CPU time used.', 6);
const CPU_USER = metric('cpu_user_seconds_total', 'counter', 'CPU time used by programs.', 6);
const CPU_SYSTEM = metric('cpu_system_seconds_total', 'counter', 'CPU time used for them.', 6);
const CPU_THROTTLED = metric(
  'cpu_throttled_seconds_total',
  'counter',
  'Time in which the group was kept from running by its CPU limit.',
  6,
);
const MEMORY = metric('memory_bytes', 'gauge', 'Memory in use, with its page cache.');
const MEMORY_MAX = metric(
  'memory_max_bytes',
  'gauge',
  'Most memory the group may use; absent when there is no limit.',
);
const IO_READ = metric('io_read_bytes_total', 'counter', 'Bytes read from block devices.');
const IO_WRITTEN = metric('io_written_bytes_total', 'counter', 'Bytes written to block devices.');
const IO_READS = metric('io_reads_total', 'counter', 'Reads from block devices.');
const IO_WRITES = metric('io_writes_total', 'counter', 'Writes to block devices.');
const PIDS = metric('pids', 'gauge', 'Processes and threads in the group.');
const PIDS_MAX = metric(
  'pids_max',
  'gauge',
  'Most processes and threads the group may have; absent when there is no limit.',
);
const OMITTED: MetricFamily = {
  name: 'drover_cgroups_omitted',
  kind: 'gauge',
  help: 'Control groups that are not measured, because there are too many.',
  scale: 0,
};

interface Group {
  readonly directory: string;
  readonly cpuUsage: LiveSeries;
  readonly cpuUser: LiveSeries;
  readonly cpuSystem: LiveSeries;
  readonly cpuThrottled: LiveSeries;
  readonly memory: LiveSeries;
  readonly memoryMax: LiveSeries;
  readonly ioRead: LiveSeries;
  readonly ioWritten: LiveSeries;
  readonly ioReads: LiveSeries;
  readonly ioWrites: LiveSeries;
  readonly pids: LiveSeries;
  readonly pidsMax: LiveSeries;
  memoryMaxBytes: number;
  mostPids: number;
}

export class CgroupCollector implements Collector {
  readonly name = 'cgroup';
  readonly #options: CgroupCollectorOptions;
  readonly #omitted: LiveSeries;
  #groups = new Map<string, Group>();
  #omittedCount = NaN;
  #lookAgainAtMs = -Infinity;

  constructor(options: CgroupCollectorOptions) {
    this.#options = options;
    this.#omitted = options.table.family(OMITTED).series();
  }

  collect(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#lookAgainAtMs) {
      this.#findGroups();
      this.#lookAgainAtMs = nowMs + LOOK_AGAIN_MS;
    }
    for (const group of this.#groups.values()) readGroup(group);
    this.#omitted.set(this.#omittedCount);
  }

  #findGroups(): void {
    const { sysRoot, mostGroups = MOST_GROUPS } = this.#options;
    const before = this.#groups;
    this.#groups = new Map();
    const root = findRoot(sysRoot);
    this.#omittedCount = NaN;
    if (root === undefined) return;
    const paths = listGroups(root, DEPTH);
    this.#omittedCount = Math.max(0, paths.length - mostGroups);
    for (const path of paths.slice(0, mostGroups)) {
      const group = before.get(path) ?? this.#openGroup(path, `${root}${path}`);
      // Absent is what a file that says `max` becomes.
      group.memoryMaxBytes = readSysfsInteger(`${group.directory}/memory.max`) ?? NaN;
      group.mostPids = readSysfsInteger(`${group.directory}/pids.max`) ?? NaN;
      this.#groups.set(path, group);
    }
  }

  #openGroup(path: string, directory: string): Group {
    const { table } = this.#options;
    const series = (family: MetricFamily) => table.family(family).series({ cgroup: path });
    return {
      directory,
      cpuUsage: series(CPU_USAGE),
      cpuUser: series(CPU_USER),
      cpuSystem: series(CPU_SYSTEM),
      cpuThrottled: series(CPU_THROTTLED),
      memory: series(MEMORY),
      memoryMax: series(MEMORY_MAX),
      ioRead: series(IO_READ),
      ioWritten: series(IO_WRITTEN),
      ioReads: series(IO_READS),
      ioWrites: series(IO_WRITES),
      pids: series(PIDS),
      pidsMax: series(PIDS_MAX),
      memoryMaxBytes: NaN,
      mostPids: NaN,
    };
  }
}

/** The usual place; and where systemd puts version 2 beside version 1. */
function findRoot(sysRoot: string): string | undefined {
  return [`${sysRoot}/fs/cgroup`, `${sysRoot}/fs/cgroup/unified`].find(
    (directory) => readSysfsText(`${directory}/cgroup.controllers`) !== undefined,
  );
}

/** `/system.slice`, …, then `/system.slice/ssh.service`, …: the nearest to the root first. */
function listGroups(root: string, depth: number): string[] {
  const found: string[] = [];
  let parents = [''];
  for (let level = 0; level < depth; level += 1) {
    parents = parents.flatMap((parent) =>
      listSysfsDir(`${root}${parent}`)
        // The kernel's own files all have a dot; so have most groups, and only a look tells.
        .filter((name) => isDirectory(`${root}${parent}/${name}`))
        .map((name) => `${parent}/${name}`),
    );
    found.push(...parents);
  }
  return found;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readGroup(group: Group): void {
  const cpu = readNamedNumbers(`${group.directory}/cpu.stat`);
  group.cpuUsage.set(cpu.get('usage_usec') ?? NaN);
  group.cpuUser.set(cpu.get('user_usec') ?? NaN);
  group.cpuSystem.set(cpu.get('system_usec') ?? NaN);
  group.cpuThrottled.set(cpu.get('throttled_usec') ?? NaN);
  group.memory.set(readSysfsInteger(`${group.directory}/memory.current`) ?? NaN);
  group.memoryMax.set(group.memoryMaxBytes);
  group.pids.set(readSysfsInteger(`${group.directory}/pids.current`) ?? NaN);
  group.pidsMax.set(group.mostPids);
  const io = readSysfsText(`${group.directory}/io.stat`);
  if (io === undefined) return;
  group.ioRead.set(sumOf(io, 'rbytes'));
  group.ioWritten.set(sumOf(io, 'wbytes'));
  group.ioReads.set(sumOf(io, 'rios'));
  group.ioWrites.set(sumOf(io, 'wios'));
}

/** Lines of `name number`. */
function readNamedNumbers(path: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const line of (readSysfsText(path) ?? '').split('\n')) {
    const [name = '', text] = line.split(' ');
    const value = parseInteger(text);
    if (value !== undefined) numbers.set(name, value);
  }
  return numbers;
}

/** Over all devices: lines of `8:0 rbytes=1 wbytes=2 …`. */
function sumOf(ioStat: string, field: string): number {
  let sum = 0;
  for (const [, digits] of ioStat.matchAll(new RegExp(` ${field}=(\\d{1,15})`, 'g'))) {
    sum += Number(digits);
  }
  return sum;
}
