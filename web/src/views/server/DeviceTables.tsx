/** What a server is made of: filesystems, disks, links, GPUs, sensors, pressure. */
import type { ReactNode } from 'react';
import type { ServerWhole } from '#web/api/server-shapes.ts';
import { Facts } from '#web/components/Facts.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes, celsius, count, isKnown, percent, type Known } from '#web/format/numbers.ts';
import { SERVER } from '#web/text/server.ts';
import {
  DISK_COLUMNS,
  FILESYSTEM_COLUMNS,
  GPU_COLUMNS,
  LINK_COLUMNS,
  filesystemsOf,
} from './DeviceColumns.tsx';

const { sections, columns, qdrant: words } = SERVER;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

export function DeviceTables({ server }: { readonly server: ServerWhole }) {
  const { disk_io: disks, network, gpus, sensors } = server;
  return (
    <div className="pair">
      <Listed
        title={sections.filesystems}
        rows={filesystemsOf(server)}
        rowKey={({ mount_point: path }) => path}
        columns={FILESYSTEM_COLUMNS}
      />
      <Listed
        title={sections.disks}
        rows={disks}
        rowKey={({ device }) => device}
        columns={DISK_COLUMNS}
      />
      <Listed
        title={sections.network}
        rows={network}
        rowKey={(link) => link.interface}
        columns={LINK_COLUMNS}
      />
      <Listed
        title={sections.gpus}
        rows={gpus.map((gpu, index) => ({ ...gpu, index }))}
        rowKey={({ index }) => `${index}`}
        columns={GPU_COLUMNS}
      />
      <Listed
        title={sections.sensors}
        rows={sensors}
        rowKey={({ name }) => name}
        columns={SENSOR_COLUMNS}
      />
      <Listed
        title={sections.pressure}
        rows={pressureOf(server)}
        rowKey={({ name }) => name}
        columns={PRESSURE_COLUMNS}
      />
      <Qdrant qdrant={server.qdrant} />
    </div>
  );
}

interface ListedProps<Row> {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
}

/** What a server does not have takes no room. */
function Listed<Row>({ title, rows, rowKey, columns: own }: ListedProps<Row>): ReactNode {
  if (rows.length === 0) return null;
  return (
    <Section title={title}>
      <Table label={title} rows={rows} rowKey={rowKey} columns={own} />
    </Section>
  );
}

const SENSOR_COLUMNS: readonly Column<ServerWhole['sensors'][number]>[] = [
  { id: 'name', title: columns.name, width: 'grow', cell: ({ name }) => name },
  {
    ...{ id: 'celsius', title: columns.temperature, align: 'end' },
    cell: (sensor) => <Num of={celsius(sensor.celsius)} />,
  },
];

interface Pressure {
  readonly name: string;
  readonly some: Known;
  /** Undefined where the kernel does not tell it. */
  readonly full: Known;
}

const PRESSURE_COLUMNS: readonly Column<Pressure>[] = [
  { id: 'name', title: columns.resource, width: 'grow', cell: ({ name }) => name },
  {
    ...{ id: 'some', title: columns.some, align: 'end' },
    cell: ({ some }) => <Num of={percent(some)} />,
  },
  {
    ...{ id: 'full', title: columns.full, align: 'end' },
    cell: ({ full }) => <Num of={percent(full)} />,
  },
];

function pressureOf({ pressure }: ServerWhole): readonly Pressure[] {
  if (pressure === null) return [];
  const { resources } = SERVER;
  return [
    { name: resources.cpu, some: pressure.cpu_some_percent, full: undefined },
    {
      name: resources.memory,
      ...{ some: pressure.memory_some_percent, full: pressure.memory_full_percent },
    },
    { name: resources.io, some: pressure.io_some_percent, full: pressure.io_full_percent },
  ];
}

function Qdrant({ qdrant }: Pick<ServerWhole, 'qdrant'>) {
  if (qdrant === null) return null;
  const { disk_usage_gb: disk, disk_usage_from: from, memory_usage_mb: memory } = qdrant;
  return (
    <Section title={sections.qdrant}>
      <Facts
        items={[
          [words.status, qdrant.status],
          [words.version, qdrant.version ?? <Num key="version" of={count(null)} />],
          [words.collections, <Num key="collections" of={count(qdrant.collections)} />],
          [words.points, <Num key="points" of={count(qdrant.total_points)} />],
          [words.memory, <Num key="memory" of={bytes(isKnown(memory) ? memory * MIB : null)} />],
          [
            words.disk,
            <span key="disk" title={from ?? undefined}>
              <Num of={bytes(isKnown(disk) ? disk * GIB : null)} />
            </span>,
          ],
        ]}
      />
    </Section>
  );
}
