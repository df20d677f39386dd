/** One page of `drover top`: lines that fit. Names come from others and are made safe. */
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { formatBytes, SECOND_MS } from '#kernel/units.ts';
import type { HostRates } from './host-rates.ts';
import type { HostState, ProcessState, QueriedValue } from './top-answer.ts';
import { METRICS } from './top-source.ts';
import type { TopAnswer, TopOrder } from './top-source.ts';

export interface PageInput {
  readonly server: string;
  readonly answer: TopAnswer;
  readonly rates: HostRates;
  readonly by: TopOrder;
}

export interface PageLine {
  readonly text: string;
  /** `alarm` is for what is nearly used up. */
  readonly look: 'plain' | 'heading' | 'alarm';
}

export interface PageLimits {
  /** Of each table but that of the processes, which takes what is left. */
  readonly rows: number;
  readonly lines: number;
}

/** For output that no screen bounds. */
export const UNBOUNDED: PageLimits = {
  rows: Number.MAX_SAFE_INTEGER,
  lines: Number.MAX_SAFE_INTEGER,
};

const ALARM_PERCENT = 90;
const UNKNOWN = '-';
const FEWEST_PROCESSES = 3;

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Of each row. */
  readonly isAlarm?: readonly boolean[];
}

export function topPage(input: PageInput, limits: PageLimits): readonly PageLine[] {
  const { answer } = input;
  const lines = headLines(input);
  const tables = [
    filesystemTable(answer.values),
    ioTable(input.rates),
    gpuTable(answer.host),
    machineTable(answer.values),
  ];
  for (const table of tables) {
    if (table.rows.length > 0) lines.push({ text: '', look: 'plain' }, ...show(table, limits.rows));
  }
  const { processes } = answer;
  if (processes === undefined) return lines.slice(0, limits.lines);
  // The processes are what one watches: they are not pushed off the page by all the others.
  const room = Math.max(FEWEST_PROCESSES + 2, limits.lines - lines.length);
  const above = lines.slice(0, Math.max(0, limits.lines - room));
  const table = show(processTable(processes, input.by), room - 2);
  return [...above, { text: '', look: 'plain' }, ...table];
}

function show({ header, rows, isAlarm = [] }: Table, most: number): PageLine[] {
  const [heading = '', ...lines] = formatTable(header, rows.slice(0, most)).trimEnd().split('\n');
  const left = rows.length - lines.length;
  return [
    { text: heading, look: 'heading' },
    ...lines.map((text, at): PageLine => ({
      text,
      look: isAlarm[at] === true ? 'alarm' : 'plain',
    })),
    ...(left > 0 ? [{ text: `… and ${left} more`, look: 'plain' as const }] : []),
  ];
}

function headLines({ server, answer }: PageInput): PageLine[] {
  const { host, values = [] } = answer;
  const name = host === undefined ? '' : `${printable(host.instanceId)} at `;
  const age =
    answer.sampleAgeMs === undefined ? '' : `, measured ${ageText(answer.sampleAgeMs)} ago`;
  const title: PageLine = { text: `${name}${server}${age}`, look: 'heading' };
  if (host === undefined) {
    return [title, { text: 'how the host itself stands is not told to this token', look: 'plain' }];
  }
  const cpuPercent = valueOf(values, METRICS.cpu) ?? host.cpuPercent;
  const uptime = valueOf(values, METRICS.uptime);
  const load = host.load.map((one) => (one === undefined ? UNKNOWN : one.toFixed(2))).join(' ');
  const up = uptime === undefined ? '' : `   up ${formatAge(uptime * SECOND_MS)}`;
  const count = host.processCount ?? UNKNOWN;
  const total = host.memoryTotalBytes;
  const available = host.memoryAvailableBytes;
  const used = total === undefined || available === undefined ? undefined : total - available;
  const memoryPercent = share(used, total);
  const swapPercent = share(host.swapUsedBytes, host.swapTotalBytes);
  const swap =
    host.swapTotalBytes === undefined || host.swapTotalBytes === 0
      ? ''
      : `   swap ${bytes(host.swapUsedBytes)} of ${bytes(host.swapTotalBytes)} ` +
        `(${percent(swapPercent)})`;
  return [
    title,
    {
      text: `cpu     ${percent(cpuPercent)}   load ${load}   processes ${count}${up}`,
      look: lookOf(cpuPercent),
    },
    {
      text: `memory  ${percent(memoryPercent)}   ${bytes(used)} of ${bytes(total)}${swap}`,
      look: lookOf(memoryPercent),
    },
  ];
}

function filesystemTable(values: readonly QueriedValue[] = []): Table {
  const inodes = new Map(
    values
      .filter(({ name }) => name === METRICS.inodes)
      .map(({ labels, value }) => [labels['mountpoint'], value]),
  );
  const found = values
    .filter(({ name }) => name === METRICS.filesystem)
    .toSorted((a, b) => b.value - a.value);
  return {
    header: ['FILESYSTEM', 'TYPE', 'USED', 'INODES'],
    rows: found.map(({ labels, value }) => [
      printable(labels['mountpoint'] ?? '?'),
      printable(labels['fstype'] ?? '?'),
      percent(value),
      percent(inodes.get(labels['mountpoint'])),
    ]),
    isAlarm: found.map(({ labels, value }) =>
      isAlarming(Math.max(value, inodes.get(labels['mountpoint']) ?? 0)),
    ),
  };
}

/** Disks and interfaces in one table, each the busiest first. */
function ioTable({ disks, interfaces }: HostRates): Table {
  const busiest = disks.toSorted(
    (a, b) => sum(b.readPerSecond, b.writtenPerSecond) - sum(a.readPerSecond, a.writtenPerSecond),
  );
  const loudest = interfaces.toSorted(
    (a, b) => sum(b.receivedPerSecond, b.sentPerSecond) - sum(a.receivedPerSecond, a.sentPerSecond),
  );
  return {
    header: ['DEVICE', 'IN', 'OUT', 'BUSY'],
    rows: [
      ...busiest.map((disk) => [
        printable(disk.name),
        `${rate(disk.readPerSecond)} read`,
        `${rate(disk.writtenPerSecond)} written`,
        percent(disk.busyPercent),
      ]),
      ...loudest.map((nic) => [
        printable(nic.name),
        `${rate(nic.receivedPerSecond)} received`,
        `${rate(nic.sentPerSecond)} sent`,
        '',
      ]),
    ],
  };
}

function gpuTable(host: HostState | undefined): Table {
  const gpus = host?.gpus ?? [];
  const tenth = (value: number | undefined, unit: string) =>
    value === undefined ? UNKNOWN : `${(value / 10).toFixed(1)} ${unit}`;
  return {
    header: ['GPU', 'MODEL', 'BUSY', 'MEMORY', 'TEMPERATURE', 'POWER'],
    rows: gpus.map((gpu) => [
      String(gpu.index),
      printable(gpu.model),
      percent(hundredth(gpu.utilizationBps)),
      percent(hundredth(gpu.memoryBps)),
      tenth(gpu.temperatureDeciC, '°C'),
      tenth(gpu.powerDeciW, 'W'),
    ]),
    isAlarm: gpus.map((gpu) => isAlarming(hundredth(gpu.memoryBps))),
  };
}

function machineTable(values: readonly QueriedValue[] = []): Table {
  const cpu = new Map<string, number>();
  const memory = new Map<string, number>();
  const customers = new Map<string, string>();
  for (const { name, labels, value } of values) {
    const id = labels['machine_id'];
    if (id === undefined) continue;
    if (name === METRICS.machineCpu) cpu.set(id, value);
    else if (name === METRICS.machineMemory) memory.set(id, value);
    else continue;
    customers.set(id, labels['customer_id'] ?? '?');
  }
  const ids = [...customers.keys()].toSorted(
    (a, b) => (cpu.get(b) ?? 0) - (cpu.get(a) ?? 0) || (a < b ? -1 : 1),
  );
  return {
    header: ['MACHINE', 'CUSTOMER', 'CPU', 'MEMORY'],
    rows: ids.map((id) => [
      printable(id),
      printable(customers.get(id) ?? '?'),
      percent(cpu.get(id)),
      bytes(memory.get(id)),
    ]),
    isAlarm: ids.map((id) => isAlarming(cpu.get(id))),
  };
}

function processTable(processes: readonly ProcessState[], by: TopOrder): Table {
  return {
    header: [
      'PID',
      'USER',
      by === 'cpu' ? 'CPU ▾' : 'CPU',
      by === 'memory' ? 'MEMORY ▾' : 'MEMORY',
    ].concat(['STATE', 'THREADS', 'PROCESS']),
    rows: processes.map((process) => [
      String(process.pid),
      String(process.userId ?? UNKNOWN),
      percent(process.cpuPercent),
      bytes(process.memoryBytes),
      printable(process.state),
      String(process.threads ?? UNKNOWN),
      printable(process.name),
    ]),
  };
}

function valueOf(values: readonly QueriedValue[], name: string): number | undefined {
  return values.find((one) => one.name === name)?.value;
}

function percent(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${value.toFixed(1)} %`;
}

function bytes(value: number | undefined): string {
  return value === undefined ? UNKNOWN : formatBytes(Math.round(value));
}

function rate(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${bytes(value)}/s`;
}

function ageText(ms: number): string {
  return ms < 10 * SECOND_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : formatAge(ms);
}

function hundredth(bps: number | undefined): number | undefined {
  return bps === undefined ? undefined : bps / 100;
}

function share(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole <= 0) return undefined;
  return (100 * part) / whole;
}

function sum(...values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function isAlarming(value: number | undefined): boolean {
  return value !== undefined && value >= ALARM_PERCENT;
}

function lookOf(value: number | undefined): PageLine['look'] {
  return isAlarming(value) ? 'alarm' : 'plain';
}
