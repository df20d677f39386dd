/** This page of `drover top` is about one server, of which only its sources tell. */
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import type { LivePage } from '#apps/drover/top/live-view.ts';
import type { PageLimits, PageLine } from '#apps/drover/top/top-page.ts';
import { formatBytes, GIB, SECOND_MS } from '#kernel/units.ts';
import { percent } from './server-text.ts';

type Known = number | null;

/** As `/api/servers/ID` answers it. */
export interface WireServerDetail {
  readonly id: string;
  readonly name: string;
  readonly server_status: {
    readonly status: string;
    readonly reasons: readonly string[];
    readonly uptime_seconds: Known;
  };
  readonly cpu: { readonly usage_percent: Known; readonly load_average: readonly number[] | null };
  readonly memory: {
    readonly usage_percent: Known;
    readonly used_gb: Known;
    readonly total_gb: Known;
  };
  readonly disks: readonly { readonly mount_point: string; readonly usage_percent: Known }[];
  readonly disk_io: readonly {
    readonly device: string;
    readonly read_bytes_per_second: Known;
    readonly written_bytes_per_second: Known;
    readonly busy_percent: Known;
  }[];
  readonly network: readonly {
    readonly interface: string;
    readonly bytes_recv: Known;
    readonly bytes_sent: Known;
  }[];
  readonly gpus: readonly {
    readonly name: string;
    readonly usage_percent: Known;
    readonly memory_usage_percent: Known;
  }[];
  readonly vms: readonly {
    readonly vmid: string | number;
    readonly name: string;
    readonly status: string;
    readonly cpu_usage: Known;
    readonly memory_used_gb: Known;
  }[];
}

export interface ServerPageOptions {
  readonly url: string;
  readonly ask: (signal: AbortSignal) => Promise<WireServerDetail>;
}

export class ServerPage implements LivePage {
  readonly help = '';
  readonly #options: ServerPageOptions;
  #shown: WireServerDetail | undefined;

  constructor(options: ServerPageOptions) {
    this.#options = options;
  }

  async ask(_rows: number, signal: AbortSignal): Promise<void> {
    this.#shown = await this.#options.ask(signal);
  }

  lines(limits: PageLimits): readonly PageLine[] {
    const { url } = this.#options;
    return this.#shown === undefined ? [] : serverToLines(url, this.#shown, limits);
  }

  onKey(): boolean {
    return false;
  }
}

function serverToLines(
  url: string,
  server: WireServerDetail,
  { rows, lines }: PageLimits,
): readonly PageLine[] {
  const tables = [
    filesystems(server),
    devices(server),
    links(server),
    gpus(server),
    // What is left of the page: of these there may be many.
    guests(server),
  ];
  const shown = [...headLines(url, server)];
  for (const [at, [header, cells]] of tables.entries()) {
    if (cells.length === 0) continue;
    const isLast = at === tables.length - 1;
    const most = isLast ? Math.max(rows, lines - shown.length - 3) : rows;
    const [heading = '', ...body] = formatTable(header, cells.slice(0, most)).trimEnd().split('\n');
    shown.push({ text: '', look: 'plain' }, { text: heading, look: 'heading' });
    shown.push(...body.map((text): PageLine => ({ text, look: 'plain' })));
    const left = cells.length - body.length;
    if (left > 0) shown.push({ text: `… and ${left} more`, look: 'plain' });
  }
  return shown.slice(0, lines);
}

function headLines(url: string, { id, name, ...server }: WireServerDetail): readonly PageLine[] {
  const { status, reasons, uptime_seconds: uptime } = server.server_status;
  const { cpu, memory } = server;
  const isBad = status === 'offline' || status === 'error';
  const load = cpu.load_average?.map((value) => value.toFixed(2)).join(' ') ?? '-';
  const up = uptime === null ? '' : `   up ${formatAge(uptime * SECOND_MS)}`;
  const size = `${gigabytes(memory.used_gb)} of ${gigabytes(memory.total_gb)}`;
  const title = name === id ? id : `${id} (${printable(name)})`;
  return [
    { text: `${title} at ${url}`, look: 'heading' },
    ...[status, ...reasons].map((text, at): PageLine => {
      const shown = `${at === 0 ? 'status  ' : '        '}${printable(text)}`;
      return { text: shown, look: isBad ? 'alarm' : 'plain' };
    }),
    { text: `cpu     ${percent(cpu.usage_percent)}   load ${load}${up}`, look: 'plain' },
    { text: `memory  ${percent(memory.usage_percent)}   ${size}`, look: 'plain' },
  ];
}

type Table = readonly [header: readonly string[], rows: readonly (readonly string[])[]];

function filesystems({ disks }: WireServerDetail): Table {
  const fullest = disks.toSorted((a, b) => (b.usage_percent ?? 0) - (a.usage_percent ?? 0));
  return [
    ['FILESYSTEM', 'USED'],
    fullest.map((disk) => [printable(disk.mount_point), percent(disk.usage_percent)]),
  ];
}

function devices({ disk_io: disks }: WireServerDetail): Table {
  return [
    ['DISK', 'READ', 'WRITTEN', 'BUSY'],
    disks.map((disk) => [
      printable(disk.device),
      rate(disk.read_bytes_per_second),
      rate(disk.written_bytes_per_second),
      percent(disk.busy_percent),
    ]),
  ];
}

function links({ network }: WireServerDetail): Table {
  return [
    ['INTERFACE', 'RECEIVED', 'SENT'],
    network.map((link) => [
      printable(link.interface),
      rate(link.bytes_recv),
      rate(link.bytes_sent),
    ]),
  ];
}

function gpus({ gpus: all }: WireServerDetail): Table {
  return [
    ['GPU', 'BUSY', 'MEMORY'],
    all.map((gpu) => [
      printable(gpu.name),
      percent(gpu.usage_percent),
      percent(gpu.memory_usage_percent),
    ]),
  ];
}

function guests({ vms }: WireServerDetail): Table {
  const busiest = vms.toSorted((a, b) => (b.cpu_usage ?? -1) - (a.cpu_usage ?? -1));
  return [
    ['VM', 'NAME', 'STATE', 'CPU', 'MEMORY'],
    busiest.map((vm) => [
      printable(String(vm.vmid)),
      printable(vm.name),
      printable(vm.status),
      percent(vm.cpu_usage),
      gigabytes(vm.memory_used_gb),
    ]),
  ];
}

function rate(value: Known): string {
  return value === null ? '-' : `${formatBytes(value)}/s`;
}

function gigabytes(value: Known): string {
  return value === null ? '-' : formatBytes(Math.round(value * GIB));
}
