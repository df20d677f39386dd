/** The virtual machines that run on a server, as it or its hypervisor tells. */
import type { ServerWhole } from '#web/api/server-shapes.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { percent } from '#web/format/numbers.ts';
import { duration } from '#web/format/times.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { SERVER } from '#web/text/server.ts';
import { machineView } from '#web/views/machines/view.ts';
import { ofWhole } from './ServerFacts.tsx';

type Guest = ServerWhole['vms'][number];

const { columns } = SERVER;
/** What ids of machines begin with. */
const OWN = 'vm_';

const COLUMNS: readonly Column<Guest>[] = [
  {
    ...{ id: 'name', title: columns.name, width: 'grow' },
    cell: ({ name, vmid }) => (
      <>
        <Name name={name} id={String(vmid)} />{' '}
        {name !== String(vmid) && <span className="quiet">{vmid}</span>}
      </>
    ),
  },
  {
    ...{ id: 'state', title: columns.state },
    cell: ({ status }) => <Status kind={status === 'running' ? 'ok' : 'idle'}>{status}</Status>,
  },
  {
    ...{ id: 'cpu', title: columns.cpu, align: 'end' },
    cell: ({ cpu_usage: share }) => <Num of={percent(share)} />,
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end', hideBelow: 'tablet' },
    cell: ({ name, memory_usage_percent: share }) => (
      <Meter label={OVERVIEW.memoryOf(name)} share={share} warnAt={101} errorAt={101} />
    ),
  },
  {
    ...{ id: 'disk', title: columns.disk, align: 'end', hideBelow: 'tablet' },
    cell: ({ disk_usage_gb: used, disk_total_gb: all }) => ofWhole(used, all),
  },
  {
    ...{ id: 'uptime', title: columns.uptime, align: 'end', hideBelow: 'tablet' },
    cell: ({ status, uptime_seconds: seconds }) => (
      <span className="num">{duration(status === 'running' ? seconds : null)}</span>
    ),
  },
];

/** A machine of Drover's own has a view; a guest of another hypervisor is only told of. */
function Name({ name, id }: { readonly name: string; readonly id: string }) {
  if (!id.startsWith(OWN)) return name;
  return (
    <ViewLink to={machineView} params={{ id }}>
      {name}
    </ViewLink>
  );
}

export function GuestTable({ server: { vms } }: { readonly server: ServerWhole }) {
  if (vms.length === 0) return null;
  return (
    <Section title={SERVER.sections.guests}>
      <Table
        label={SERVER.sections.guests}
        rows={vms}
        rowKey={({ vmid }) => String(vmid)}
        columns={COLUMNS}
      />
    </Section>
  );
}
