/** Each worker there is, and those that ended in the last minute. */
import { useMemo } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes, count } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { duration } from '#web/format/times.ts';
import { WORKERS } from '#web/text/workers.ts';
import { workersView } from './view.ts';
import type { Worker } from './worker-queries.ts';

const { columns } = WORKERS;
const BY_APP = { column: 'app', descending: false };
const KINDS: Readonly<Record<Worker['state'], StatusKind>> = {
  ...{ creating: 'busy', ready: 'idle', active: 'ok', idle: 'idle', terminated: 'unknown' },
};

const COLUMNS: readonly Column<Worker>[] = [
  {
    ...{ id: 'app', title: columns.app, width: 'grow', sort: ({ app }) => app },
    cell: ({ app }) => app,
  },
  { id: 'id', title: columns.worker, hideBelow: 'tablet', cell: ({ id }) => id },
  {
    ...{ id: 'state', title: columns.state, sort: ({ state }) => state },
    cell: (worker) => <Status kind={KINDS[worker.state]}>{stateOf(worker)}</Status>,
  },
  {
    ...{ id: 'kind', title: columns.kind, hideBelow: 'desktop' },
    cell: ({ kind, pid }) => <span className="quiet num">{`${kind} ${pid ?? ''}`}</span>,
  },
  {
    ...{ id: 'inFlight', title: columns.inFlight, align: 'end', hideBelow: 'tablet' },
    ...{ sort: (worker) => worker.inFlight },
    cell: (worker) => <Num of={count(worker.inFlight)} />,
  },
  {
    ...{ id: 'requests', title: columns.requests, align: 'end', sort: ({ requests }) => requests },
    cell: ({ requests }) => <Num of={count(requests)} />,
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end', sort: (worker) => rssOf(worker) },
    cell: (worker) => <Num of={bytes(rssOf(worker))} />,
  },
  {
    ...{ id: 'heap', title: columns.heap, align: 'end', hideBelow: 'desktop' },
    // No program runs on none: it did not tell it yet.
    cell: ({ memory: { heapUsed } }) => <Num of={bytes(heapUsed === 0 ? null : heapUsed)} />,
  },
  {
    ...{ id: 'loop', title: columns.loop, align: 'end', hideBelow: 'tablet' },
    sort: ({ utilization }) => utilization,
    cell: ({ id, utilization: part }) => (
      <Meter label={WORKERS.loopOf(id)} share={part === null ? null : part * 100} />
    ),
  },
  {
    ...{ id: 'uptime', title: columns.uptime, align: 'end', hideBelow: 'tablet' },
    ...{ sort: ({ uptime }) => uptime },
    cell: ({ uptime }) => <span className="num">{duration(uptime)}</span>,
  },
];

const SORTABLE = COLUMNS.flatMap(({ id, sort }) => (sort === undefined ? [] : [id]));

export function WorkerTable({ workers }: { readonly workers: readonly Worker[] }) {
  const [{ q, sort }, setSearch] = useViewSearch(workersView);
  const rows = useMemo(
    () => filterRows(workers, q, (worker) => [worker.app, worker.id, worker.state, worker.kind]),
    [workers, q],
  );
  if (workers.length === 0) {
    return <EmptyState title={WORKERS.noWorkers}>{WORKERS.noWorkersHint}</EmptyState>;
  }
  return (
    <>
      <FilterField
        label={WORKERS.filter}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={rows.length}
        all={workers.length}
      />
      <Table
        label={WORKERS.tabs.workers}
        rows={rows}
        rowKey={({ id }) => id}
        columns={COLUMNS}
        sort={parseSort(sort, SORTABLE, BY_APP)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        empty={<EmptyState title={WORKERS.noneFits} />}
      />
    </>
  );
}

function stateOf({ state, draining, endReason }: Worker): string {
  if (state === 'terminated' && endReason !== null) return WORKERS.ended(endReason);
  return draining && state !== 'terminated' ? WORKERS.states.draining : WORKERS.states[state];
}

/** Nothing was read of it yet: that is no zero. */
function rssOf({ memory: { rss, source } }: Worker): number | null {
  return source === null ? null : rss;
}
