/**
 * What the server says of itself, read leniently: whatever is missing or of another form is
 * unknown and shown as such. Servers of other versions, and the program whose API this is, answer
 * too.
 */

export interface DiskCounters {
  readonly name: string;
  readonly readBytes: number | undefined;
  readonly writtenBytes: number | undefined;
  readonly busyMs: number | undefined;
}

export interface InterfaceCounters {
  readonly name: string;
  readonly receivedBytes: number | undefined;
  readonly sentBytes: number | undefined;
}

export interface GpuState {
  readonly index: number;
  readonly model: string;
  readonly utilizationBps: number | undefined;
  readonly memoryBps: number | undefined;
  readonly temperatureDeciC: number | undefined;
  readonly powerDeciW: number | undefined;
}

export interface HostState {
  readonly instanceId: string;
  readonly atMs: number;
  readonly cpuPercent: number | undefined;
  readonly processCount: number | undefined;
  readonly load: readonly (number | undefined)[];
  readonly memoryTotalBytes: number | undefined;
  readonly memoryAvailableBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapUsedBytes: number | undefined;
  readonly disks: readonly DiskCounters[];
  readonly interfaces: readonly InterfaceCounters[];
  readonly gpus: readonly GpuState[];
}

export interface ProcessState {
  readonly pid: number;
  readonly name: string;
  readonly userId: number | undefined;
  /** Of one processor. */
  readonly cpuPercent: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly state: string;
  readonly threads: number | undefined;
}

/** One series of an instant query. */
export interface QueriedValue {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SECTOR_BYTES = 512;

export function parseHostState(body: unknown): HostState {
  const cpu = member(body, 'cpu');
  const memory = member(body, 'memory');
  const load = member(body, 'load');
  const usage = number(cpu, 'usage_pct');
  return {
    instanceId: text(body, 'instance_id') ?? '',
    atMs: (number(body, 'timestamp') ?? 0) * 1000,
    // Above a hundred it can only be one of those that count in hundredths of a percent.
    cpuPercent: usage !== undefined && usage > 100 ? usage / 100 : usage,
    processCount: number(cpu, 'process_count'),
    load: ['load1', 'load5', 'load15'].map((name) => divided(number(load, name), 100)),
    memoryTotalBytes: number(memory, 'total'),
    memoryAvailableBytes: number(memory, 'available'),
    swapTotalBytes: number(memory, 'total_swap'),
    swapUsedBytes: number(memory, 'used_swap'),
    disks: list(body, 'disks').map(parseDisk),
    interfaces: list(member(body, 'network'), 'interfaces').map(parseInterface),
    gpus: list(body, 'gpus').map(parseGpu),
  };
}

function parseDisk(disk: unknown): DiskCounters {
  const sectors = (name: string) => {
    const count = number(disk, name);
    return count === undefined ? undefined : count * SECTOR_BYTES;
  };
  return {
    name: text(disk, 'device_name') ?? '?',
    readBytes: sectors('sectors_read'),
    writtenBytes: sectors('sectors_written'),
    busyMs: number(disk, 'time_doing_io'),
  };
}

function parseInterface(nic: unknown): InterfaceCounters {
  return {
    name: text(nic, 'name') ?? '?',
    receivedBytes: number(nic, 'bytes_received'),
    sentBytes: number(nic, 'bytes_sent'),
  };
}

function parseGpu(gpu: unknown): GpuState {
  return {
    index: number(gpu, 'index') ?? 0,
    model: text(gpu, 'model') ?? '?',
    utilizationBps: number(gpu, 'utilization_bps'),
    memoryBps: number(gpu, 'memory_usage_bps'),
    temperatureDeciC: number(gpu, 'temperature_deci_c'),
    powerDeciW: number(gpu, 'power_draw_deci_w'),
  };
}

export function parseProcesses(body: unknown): readonly ProcessState[] {
  return list(body, 'processes').map((process) => ({
    pid: number(process, 'pid') ?? 0,
    name: text(process, 'name') ?? '?',
    userId: number(process, 'user_id'),
    cpuPercent: divided(number(process, 'cpu_pct_x100'), 100),
    memoryBytes: number(process, 'memory_bytes'),
    state: text(process, 'state') ?? '?',
    threads: number(process, 'threads'),
  }));
}

/** The vector of Prometheus' API: values are text in there. */
export function parseVector(body: unknown): readonly QueriedValue[] {
  return list(member(body, 'data'), 'result').flatMap((series) => {
    const metric = member(series, 'metric');
    const labels: Record<string, string> = {};
    for (const [name, value] of Object.entries(metric ?? {})) {
      if (typeof value === 'string') labels[name] = value;
    }
    const { __name__: name = '', ...others } = labels;
    const value = Number(list(series, 'value')[1]);
    return Number.isFinite(value) ? [{ name, labels: others, value }] : [];
  });
}

function member(value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'object' && found !== null ? found : undefined;
}

function list(value: unknown, name: string): readonly unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

function number(value: unknown, name: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function text(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : undefined;
}

function divided(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by;
}
