/** The VMs of a source, to choose from. */
import { useViewSearch } from '#web/app/use-view.ts';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { UNKNOWN, bytes, count } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { useSourceVms } from './source-queries.ts';
import type { Source } from './source.ts';
import { newMigrationView } from './view.ts';
import type { SourceVm } from './wire.ts';

const { create } = MIGRATIONS;
const { columns } = create;
const MIB = 1024 * 1024;

const COLUMNS: readonly Column<SourceVm>[] = [
  { id: 'name', title: columns.name, cell: ({ name }) => name, sort: ({ name }) => name },
  {
    ...{ id: 'power', title: columns.power, width: 'fit' },
    cell: powerOf,
    sort: (vm) => vm.power_state,
  },
  {
    ...{ id: 'cpus', title: columns.cpus, align: 'end', hideBelow: 'tablet' },
    cell: (vm) => <Num of={count(vm.num_cpu)} />,
    sort: (vm) => vm.num_cpu,
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end', hideBelow: 'tablet' },
    cell: (vm) => <Num of={bytes(vm.memory_mb === null ? null : vm.memory_mb * MIB)} />,
    sort: (vm) => vm.memory_mb,
  },
  {
    ...{ id: 'storage', title: columns.storage, align: 'end' },
    cell: (vm) => <Num of={bytes(vm.storage)} />,
    sort: (vm) => vm.storage,
  },
  {
    ...{ id: 'guest', title: columns.guest, hideBelow: 'desktop' },
    cell: (vm) => vm.guest_os ?? UNKNOWN.value,
    sort: (vm) => vm.guest_os,
  },
  {
    ...{ id: 'path', title: columns.path, width: 'grow', hideBelow: 'tablet' },
    cell: ({ path }) => (
      <span className="quiet" title={path}>
        {path}
      </span>
    ),
    sort: ({ path }) => path,
  },
];

export interface VmPickerProps {
  readonly source: Source;
  readonly keys: ReadonlySet<string>;
  readonly onKeys: (keys: ReadonlySet<string>) => void;
}

export function VmPicker({ source, keys, onKeys }: VmPickerProps) {
  const [{ q, sort }, setSearch] = useViewSearch(newMigrationView);
  const isFile = source.kind === 'file';
  return (
    <Loaded query={useSourceVms(source)}>
      {(all) => {
        const vms = all.filter(({ template }) => !template);
        if (vms.length === 0) {
          return (
            <EmptyState title={create.noVms.title}>
              {isFile ? create.noFiles : create.noVms.connection}
            </EmptyState>
          );
        }
        const rows = filterRows(vms, q, (vm) => [vm.name, vm.path, vm.guest_os]);
        return (
          <>
            <FilterField
              label={create.filter}
              value={q}
              onChange={(text) => setSearch({ q: text }, { replace: true })}
              shown={rows.length}
              all={vms.length}
            />
            <Table
              label={create.vms}
              rows={rows}
              rowKey={({ path }) => path}
              rowName={({ name }) => name}
              columns={COLUMNS}
              sort={parseSort(sort, Object.keys(columns), { column: 'name', descending: false })}
              onSort={(next) => setSearch({ sort: sortToText(next) })}
              // What is chosen and filtered out stays chosen.
              selection={{ keys, onChange: (next) => onKeys(keptBeside(keys, rows, next)) }}
              empty={<EmptyState title={TEXT.table.nothingFits} />}
            />
          </>
        );
      }}
    </Loaded>
  );
}

function keptBeside(
  before: ReadonlySet<string>,
  rows: readonly SourceVm[],
  next: ReadonlySet<string>,
): ReadonlySet<string> {
  const shown = new Set(rows.map(({ path }) => path));
  return next.union(before.difference(shown));
}

function powerOf({ power_state: state }: SourceVm) {
  const { power } = create;
  const text = Object.hasOwn(power, state) ? power[state as keyof typeof power] : state;
  return <Status kind={state === 'poweredOn' ? 'ok' : 'idle'}>{text}</Status>;
}
