/** What happened to a machine, the newest first; what happens now appears at the top. */
import type { WatchResponse } from '#gen/drover/v1/machines_pb.js';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { ErrorState } from '#web/components/ErrorState.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { dateTime, parseInstant } from '#web/format/times.ts';
import { MACHINES } from '#web/text/machines.ts';
import { isCrash, stateText } from './machine-state.ts';
import type { MachineEvents } from './use-machine-events.ts';

const { columns, kinds } = MACHINES.events;

const COLUMNS: readonly Column<WatchResponse>[] = [
  {
    ...{ id: 'at', title: columns.at, width: 'fit' },
    cell: ({ at }) => <span className="num">{dateTime(parseInstant(at))}</span>,
  },
  {
    ...{ id: 'kind', title: columns.kind },
    cell: (event) => {
      const text = kinds[event.kind] ?? event.kind;
      return isFailure(event) ? <Status kind="error">{text}</Status> : text;
    },
  },
  { id: 'change', title: columns.change, hideBelow: 'tablet', cell: changeOf },
  { id: 'message', title: columns.message, width: 'grow', cell: ({ message }) => message },
];

export interface MachineEventListProps extends MachineEvents {
  readonly createdAt: string;
}

export function MachineEventList({ events, state, createdAt }: MachineEventListProps) {
  const from = parseInstant(createdAt) ?? 0;
  // An earlier machine may have had the same id.
  const own = events.filter(({ at }) => (parseInstant(at) ?? 0) >= from);
  if (state.kind === 'refused' && own.length === 0) return <ErrorState error={state.error} />;
  return (
    <Table
      label={MACHINES.events.title}
      rows={own}
      rowKey={({ eventId }) => String(eventId)}
      columns={COLUMNS}
      empty={<EmptyState title={MACHINES.events.empty} />}
    />
  );
}

function changeOf({ previousState, state }: WatchResponse): string {
  return previousState === VmState.UNSPECIFIED
    ? stateText(state)
    : MACHINES.events.change(stateText(previousState), stateText(state));
}

function isFailure({ kind, reason }: WatchResponse): boolean {
  return kind.endsWith('-failed') || isCrash(reason);
}
