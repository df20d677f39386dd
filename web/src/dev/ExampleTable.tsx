/** Two thousand rows that are nobody's. */
import { useMemo, useState } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Sparkline } from '#web/components/Sparkline.tsx';
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { EXAMPLE } from './example-text.ts';
import { componentsView } from './view.ts';

interface Row {
  readonly name: string;
  readonly state: StatusKind;
  readonly load: number;
  readonly history: readonly (number | null)[];
}

const STATES: readonly StatusKind[] = ['ok', 'ok', 'busy', 'ok', 'idle', 'warning', 'error'];
const NAME = { column: 'name', descending: false };

const ROWS: readonly Row[] = Array.from({ length: 2000 }, (_, at) => ({
  name: `vm-${String(at + 1).padStart(4, '0')}`,
  state: STATES[at % STATES.length] ?? 'ok',
  load: (at * 37) % 101,
  history: Array.from({ length: 40 }, (_none, x) =>
    x > 20 && x < 25 ? null : 40 + 30 * Math.sin((at + x) / 4),
  ),
}));

const COLUMNS: readonly Column<Row>[] = [
  {
    ...{ id: 'name', title: EXAMPLE.name, width: 'grow' },
    cell: ({ name }) => name,
    sort: ({ name }) => name,
  },
  {
    ...{ id: 'state', title: EXAMPLE.state },
    cell: ({ state }) => <Status kind={state} />,
    sort: ({ state }) => state,
  },
  {
    ...{ id: 'hour', title: EXAMPLE.hour, hideBelow: 'tablet', align: 'end' },
    cell: ({ name, history }) => <Sparkline label={name} values={history} max={100} />,
  },
  {
    ...{ id: 'load', title: EXAMPLE.load, align: 'end' },
    cell: ({ name, load }) => <Meter label={name} share={load} />,
    sort: ({ load }) => load,
  },
];

export function ExampleTable() {
  const [{ q, sort }, setSearch] = useViewSearch(componentsView);
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => filterRows(ROWS, q, ({ name, state }) => [name, state]), [q]);
  return (
    <>
      <FilterField
        label={EXAMPLE.filter}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={rows.length}
        all={ROWS.length}
      />
      <Table
        label={EXAMPLE.table}
        rows={rows}
        rowKey={({ name }) => name}
        columns={COLUMNS}
        sort={parseSort(sort, ['name', 'state', 'load'], NAME)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        selection={{ keys, onChange: setKeys }}
        empty={<EmptyState title={TEXT.table.nothingFits} />}
      />
    </>
  );
}
