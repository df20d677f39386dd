/** Every machine that one may see: found, ordered, and told what to do, one or many at once. */
import { useMemo, useState, type ReactNode } from 'react';
import { useMayChange, useSession } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Table } from '#web/components/Table.tsx';
import { useSteady } from '#web/components/use-steady.ts';
import { parseSort, sortToText } from '#web/format/sort-rows.ts';
import { MACHINES } from '#web/text/machines.ts';
import { BulkBar } from './BulkBar.tsx';
import { CommandDialog } from './CommandDialog.tsx';
import { CreateMachineDialog } from './CreateMachineDialog.tsx';
import { MachineFilter } from './MachineFilter.tsx';
import { GENTLY, asksFirst, type Command, type Commanded } from './machine-command.ts';
import { SORTABLE, machineColumns } from './machine-columns.tsx';
import { useLoads, useMachines, type MachinePages } from './machine-queries.ts';
import { chooseRows, toMachineRow, type Load, type MachineRow } from './machine-rows.ts';
import { useCommands, type Order } from './use-commands.ts';
import { useMachineWatch } from './use-machine-events.ts';
import { machinesView } from './view.ts';
import './machines.css';

const BY_NAME = { column: 'name', descending: false };
const NO_LOADS: ReadonlyMap<string, Load> = new Map();

export function MachinesPage(): ReactNode {
  const [{ create }, setSearch] = useViewSearch(machinesView);
  const query = useMachines();
  const mayChange = useMayChange();
  useMachineWatch(query.data?.machines.length ?? 0);
  const openCreate = () => setSearch({ create: '1' });
  return (
    <>
      <PageHeader
        title={MACHINES.title}
        actions={
          mayChange && (
            <Button kind="primary" icon="plus" onClick={openCreate}>
              {MACHINES.create.open}
            </Button>
          )
        }
      />
      <Loaded query={query}>
        {(pages) =>
          pages.total === 0 ? (
            <NoMachines onCreate={mayChange ? openCreate : undefined} />
          ) : (
            <MachineList
              pages={pages}
              onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              isLoadingMore={query.isFetchingNextPage}
            />
          )
        }
      </Loaded>
      {create !== '' && mayChange && (
        <CreateMachineDialog
          machines={query.data?.machines ?? []}
          onClose={() => setSearch({ create: '' }, { replace: true })}
        />
      )}
    </>
  );
}

function NoMachines({ onCreate }: { readonly onCreate: (() => void) | undefined }) {
  return (
    <EmptyState
      title={MACHINES.empty}
      action={
        onCreate !== undefined && (
          <Button kind="primary" icon="plus" onClick={onCreate}>
            {MACHINES.create.open}
          </Button>
        )
      }
    >
      {onCreate === undefined ? MACHINES.emptyReadOnly : MACHINES.emptyHint}
    </EmptyState>
  );
}

interface MachineListProps {
  readonly pages: MachinePages;
  /** Absent when all are loaded. */
  readonly onMore: (() => void) | undefined;
  readonly isLoadingMore: boolean;
}

function MachineList({ pages: { machines, total }, onMore, isLoadingMore }: MachineListProps) {
  const [{ q, state, sort }, setSearch] = useViewSearch(machinesView);
  const { data: loads = NO_LOADS } = useLoads();
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => machines.map((vm) => toMachineRow(vm, loads)), [machines, loads]);
  const shown = useMemo(() => chooseRows(rows, { q, state }), [rows, q, state]);
  const orders = useOrders(() => setKeys(new Set()));
  const columns = useColumns(orders.start);
  const mayChange = useMayChange();
  // What is no longer shown is not told anything either.
  const selected = shown.filter(({ id }) => keys.has(id));
  return (
    <>
      <MachineFilter rows={rows} shown={shown.length} />
      {selected.length > 0 && (
        <BulkBar
          machines={selected}
          isBusy={orders.isBusy}
          onChoose={orders.start}
          onClear={() => setKeys(new Set())}
        />
      )}
      <Table
        label={MACHINES.title}
        rows={shown}
        rowKey={({ id }) => id}
        rowName={({ name }) => name}
        columns={columns}
        sort={parseSort(sort, SORTABLE, BY_NAME)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        {...(mayChange && { selection: { keys, onChange: setKeys } })}
        empty={<NothingFits onAll={() => setSearch({ q: '', state: '' })} />}
      />
      {onMore !== undefined && machines.length < total && (
        <div className="toolbar more">
          <span className="quiet">{MACHINES.partial(machines.length)}</span>
          <Button size="small" isBusy={isLoadingMore} onClick={onMore}>
            {MACHINES.more(total - machines.length)}
          </Button>
        </div>
      )}
      {orders.dialog}
    </>
  );
}

function NothingFits({ onAll }: { readonly onAll: () => void }) {
  return (
    <EmptyState
      title={MACHINES.filterEmpty}
      action={<Button onClick={onAll}>{MACHINES.showAll}</Button>}
    >
      {MACHINES.nothingFits}
    </EmptyState>
  );
}

function useColumns(start: (command: Command, machines: readonly Commanded[]) => void) {
  const mayChange = useMayChange();
  const { data: session } = useSession();
  const withCustomer = session?.authenticated === true && session.kind === 'operator';
  return useMemo(
    () =>
      machineColumns({
        withCustomer,
        onCommand: mayChange
          ? (command: Command, row: MachineRow) => start(command, [row])
          : undefined,
      }),
    [withCustomer, mayChange, start],
  );
}

/** What interrupts asks first; the rest is done at once. */
function useOrders(onDone: () => void) {
  const [asked, setAsked] = useState<Order>();
  const { run, isBusy } = useCommands(() => {
    setAsked(undefined);
    onDone();
  });
  const start = useSteady((command: Command, machines: readonly Commanded[]) => {
    if (asksFirst(command)) setAsked({ command, machines });
    else run({ command, machines }, GENTLY);
  });
  const dialog = asked !== undefined && (
    <CommandDialog
      order={asked}
      isBusy={isBusy}
      onConfirm={run}
      onClose={() => setAsked(undefined)}
    />
  );
  return { start, isBusy, dialog };
}
