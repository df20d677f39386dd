/** The columns of the list of machines. */
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status } from '#web/components/Status.tsx';
import type { Column } from '#web/components/Table.tsx';
import { bytes, count } from '#web/format/numbers.ts';
import { MACHINES } from '#web/text/machines.ts';
import { MachineMenu } from './MachineMenu.tsx';
import type { MachineRow } from './machine-rows.ts';
import { standingOf } from './machine-state.ts';
import type { Command } from './machine-command.ts';
import { machineView } from './view.ts';

const { columns } = MACHINES;

export interface ColumnOptions {
  /** Operators see the machines of all. */
  readonly withCustomer: boolean;
  /** Absent where nothing may be changed. */
  readonly onCommand: ((command: Command, row: MachineRow) => void) | undefined;
}

export function machineColumns({
  withCustomer,
  onCommand,
}: ColumnOptions): readonly Column<MachineRow>[] {
  return [
    ...NAME_AND_STATE,
    ...NUMBERS,
    ...(withCustomer ? [CUSTOMER] : []),
    SINCE,
    ...(onCommand === undefined ? [] : [actions(onCommand)]),
  ];
}

const NAME_AND_STATE: readonly Column<MachineRow>[] = [
  {
    ...{ id: 'name', title: columns.name, width: 'grow' },
    cell: ({ id, name }) => (
      <>
        <ViewLink to={machineView} params={{ id }}>
          {name}
        </ViewLink>
        {name !== id && <span className="machine-id quiet">{id}</span>}
      </>
    ),
    sort: ({ name }) => name,
  },
  {
    ...{ id: 'state', title: columns.state },
    cell: ({ vm }) => {
      const { kind, text } = standingOf(vm);
      return <Status kind={kind}>{text}</Status>;
    },
    sort: ({ vm }) => standingOf(vm).text,
  },
];

const NUMBERS: readonly Column<MachineRow>[] = [
  {
    ...{ id: 'cpu', title: columns.cpu, align: 'end', hideBelow: 'tablet' },
    cell: ({ name, load }) => (
      // A machine may well use all that it was given.
      <Meter label={MACHINES.cpuOf(name)} share={load.cpu} warnAt={95} errorAt={101} />
    ),
    sort: ({ load }) => load.cpu,
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end', hideBelow: 'tablet' },
    cell: ({ name, load }) => (
      <Meter label={MACHINES.memoryOf(name)} share={load.memory} warnAt={101} errorAt={120} />
    ),
    sort: ({ load }) => load.memory,
  },
  {
    ...{ id: 'vcpus', title: columns.vcpus, align: 'end', hideBelow: 'desktop' },
    cell: ({ vm }) => <Num of={count(vm.vcpuCount)} />,
    sort: ({ vm }) => vm.vcpuCount,
  },
  {
    ...{ id: 'size', title: columns.size, align: 'end', hideBelow: 'tablet' },
    cell: ({ vm }) => <Num of={bytes(Number(vm.memorySizeBytes))} />,
    sort: ({ vm }) => vm.memorySizeBytes,
  },
];

const CUSTOMER: Column<MachineRow> = {
  ...{ id: 'customer', title: columns.customer, hideBelow: 'desktop' },
  cell: ({ vm }) => vm.customerId,
  sort: ({ vm }) => vm.customerId,
};

const SINCE: Column<MachineRow> = {
  ...{ id: 'since', title: columns.since, align: 'end', hideBelow: 'tablet' },
  cell: ({ since }) => <Age at={since} />,
  sort: ({ since }) => since,
};

/** Every column that the list may be ordered by. */
export const SORTABLE: readonly string[] = [...NAME_AND_STATE, ...NUMBERS, CUSTOMER, SINCE].map(
  ({ id }) => id,
);

function actions(onCommand: NonNullable<ColumnOptions['onCommand']>): Column<MachineRow> {
  return {
    ...{ id: 'actions', title: '', width: 'fit', align: 'end' },
    cell: (row) => <MachineMenu machine={row} onChoose={(command) => onCommand(command, row)} />,
  };
}
