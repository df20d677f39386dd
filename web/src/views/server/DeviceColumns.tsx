/** The columns of the tables of what a server is made of. */
import type { ServerWhole } from '#web/api/server-shapes.ts';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import type { Column } from '#web/components/Table.tsx';
import {
  bitsPerSecond,
  bytes,
  bytesPerSecond,
  celsius,
  count,
  countPerSecond,
  decimal,
  isKnown,
  percent,
  type Known,
} from '#web/format/numbers.ts';
import { SERVER } from '#web/text/server.ts';

const { columns } = SERVER;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const BITS = 8;

type Disk = ServerWhole['disks'][number];
export type Filesystem = Disk & { readonly files: Known };

/** The two lists that the API has of filesystems tell different things of them. */
export function filesystemsOf({ disks, filesystems }: ServerWhole): readonly Filesystem[] {
  const files = new Map(filesystems.map((each) => [each.mount_point, each.file_count]));
  return disks.map((disk) => ({ ...disk, files: files.get(disk.mount_point) ?? null }));
}

function gib(size: Known) {
  return bytes(isKnown(size) ? size * GIB : null);
}

export const FILESYSTEM_COLUMNS: readonly Column<Filesystem>[] = [
  {
    ...{ id: 'mount', title: columns.mount, width: 'grow' },
    cell: ({ mount_point: path }) => <span title={path}>{path}</span>,
  },
  {
    ...{ id: 'type', title: columns.type, hideBelow: 'tablet' },
    cell: ({ filesystem }) => <span className="quiet">{filesystem}</span>,
  },
  {
    ...{ id: 'share', title: columns.share, align: 'end' },
    cell: ({ mount_point: path, usage_percent: share }) => (
      <Meter label={SERVER.usedOf(path)} share={share} />
    ),
  },
  {
    ...{ id: 'free', title: columns.free, align: 'end' },
    cell: ({ available_gb: free }) => <Num of={gib(free)} />,
  },
  {
    ...{ id: 'size', title: columns.size, align: 'end', hideBelow: 'tablet' },
    cell: ({ total_gb: size }) => <Num of={gib(size)} />,
  },
  {
    ...{ id: 'files', title: columns.files, align: 'end', hideBelow: 'tablet' },
    cell: ({ files }) => <Num of={count(files)} />,
  },
];

type DiskIo = ServerWhole['disk_io'][number];

export const DISK_COLUMNS: readonly Column<DiskIo>[] = [
  { id: 'device', title: columns.device, width: 'grow', cell: ({ device }) => device },
  {
    ...{ id: 'read', title: columns.read, align: 'end' },
    cell: ({ read_bytes_per_second: rate }) => <Num of={bytesPerSecond(rate)} />,
  },
  {
    ...{ id: 'written', title: columns.written, align: 'end' },
    cell: ({ written_bytes_per_second: rate }) => <Num of={bytesPerSecond(rate)} />,
  },
  {
    ...{ id: 'reads', title: columns.reads, align: 'end', hideBelow: 'tablet' },
    cell: ({ reads_per_second: rate }) => <Num of={countPerSecond(rate)} />,
  },
  {
    ...{ id: 'writes', title: columns.writes, align: 'end', hideBelow: 'tablet' },
    cell: ({ writes_per_second: rate }) => <Num of={countPerSecond(rate)} />,
  },
  {
    ...{ id: 'busy', title: columns.busy, align: 'end', hideBelow: 'tablet' },
    cell: ({ device, busy_percent: share }) => (
      <Meter label={SERVER.busyOf(device)} share={share} warnAt={95} errorAt={101} />
    ),
  },
];

type Link = ServerWhole['network'][number];

export const LINK_COLUMNS: readonly Column<Link>[] = [
  { id: 'name', title: columns.name, width: 'grow', cell: (link) => link.interface },
  {
    ...{ id: 'received', title: columns.received, align: 'end' },
    cell: ({ bytes_recv: rate }) => <Num of={bitsPerSecond(rate)} />,
  },
  {
    ...{ id: 'sent', title: columns.sent, align: 'end' },
    cell: ({ bytes_sent: rate }) => <Num of={bitsPerSecond(rate)} />,
  },
  {
    ...{ id: 'errors', title: columns.errors, align: 'end', hideBelow: 'tablet' },
    cell: ({ errors_in: incoming, errors_out: outgoing }) => (
      <Num of={countPerSecond(sumOf(incoming, outgoing))} />
    ),
  },
  {
    ...{ id: 'speed', title: columns.speed, align: 'end', hideBelow: 'tablet' },
    cell: ({ speed_bits_per_second: bits }) => (
      <Num of={bitsPerSecond(isKnown(bits) ? bits / BITS : null)} />
    ),
  },
];

function sumOf(one: Known, other: Known): number | null {
  return isKnown(one) && isKnown(other) ? one + other : null;
}

type Gpu = ServerWhole['gpus'][number];

export const GPU_COLUMNS: readonly Column<Gpu>[] = [
  { id: 'name', title: columns.name, width: 'grow', cell: ({ name }) => name },
  {
    ...{ id: 'busy', title: columns.busy, align: 'end' },
    cell: ({ name, usage_percent: share }) => (
      <Meter label={SERVER.busyOf(name)} share={share} warnAt={101} errorAt={101} />
    ),
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end' },
    cell: ({ name, memory_usage_percent: share, memory_total_mb: all }) => (
      <>
        <Meter label={SERVER.memoryOf(name)} share={share} warnAt={97} errorAt={101} />{' '}
        <Num of={bytes(isKnown(all) ? all * MIB : null)} />
      </>
    ),
  },
  {
    ...{ id: 'temperature', title: columns.temperature, align: 'end', hideBelow: 'tablet' },
    cell: ({ temperature }) => <Num of={celsius(temperature)} />,
  },
  {
    ...{ id: 'power', title: columns.power, align: 'end', hideBelow: 'tablet' },
    cell: ({ power_draw_w: power }) => <Num of={decimal(power, isKnown(power) ? 'W' : '')} />,
  },
  {
    ...{ id: 'fan', title: columns.fan, align: 'end', hideBelow: 'tablet' },
    cell: ({ fan_speed_percent: share }) => <Num of={percent(share)} />,
  },
];
