/** Every server on a line: how it stands, and how busy it was over the last hour. */
import { useMemo } from 'react';
import { spreadOver, useHistoryWindow, type HistoryWindow } from '#web/api/history-window.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { ServerListed } from '#web/api/server-shapes.ts';
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { ServerStatus } from '#web/components/ServerStatus.tsx';
import { Sparkline } from '#web/components/Sparkline.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count, isKnown, quantityToText } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { parseInstant } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { serverView } from '#web/views/server/view.ts';
import { settingsView } from '#web/views/settings/view.ts';
import { overviewView } from './view.ts';

/** CPU of the last hour, by server. */
type Hours = ReadonlyMap<string, readonly (number | null)[]>;

const { columns } = OVERVIEW;
const LAST_HOUR = { kind: 'last', seconds: 3600 } as const;
const HOUR_STEP_S = 60;
const HISTORY_MS = 30_000;
const CPU = 'drover_server_cpu_usage_percent';
/** Above this many they are filtered rather than looked through. */
const MANY = 8;
/** The gravest first. */
const STATES = ['offline', 'error', 'warning', 'online'];
const BY_STATE = { column: 'status', descending: false };

const BEFORE_HOUR: readonly Column<ServerListed>[] = [
  {
    ...{ id: 'name', title: columns.server, width: 'grow', sort: ({ name }) => name },
    cell: ({ id, name }) => (
      <>
        <ViewLink to={serverView} params={{ id }}>
          {name}
        </ViewLink>{' '}
        {name !== id && (
          <span className="quiet" data-hide="tablet">
            {id}
          </span>
        )}
      </>
    ),
  },
  {
    ...{ id: 'status', title: columns.status, sort: ({ status }) => STATES.indexOf(status) },
    cell: ({ status, reasons }) => (
      <span title={reasons.join('\n')}>
        <ServerStatus state={status} />
      </span>
    ),
  },
  {
    ...{ id: 'cpu', title: columns.cpu, align: 'end', sort: ({ cpu_usage: share }) => share },
    cell: ({ name, cpu_usage: share }) => (
      <Meter label={OVERVIEW.cpuOf(name)} share={share} warnAt={90} errorAt={101} />
    ),
  },
];

const AFTER_HOUR: readonly Column<ServerListed>[] = [
  {
    ...{ id: 'memory', title: columns.memory, align: 'end' },
    sort: ({ memory_usage: share }) => share,
    cell: ({ name, memory_usage: share }) => (
      <Meter label={OVERVIEW.memoryOf(name)} share={share} warnAt={90} />
    ),
  },
  {
    ...{ id: 'disks', title: columns.disks, align: 'end', hideBelow: 'tablet' },
    sort: ({ average_usage_percent: share }) => share,
    cell: ({ name, average_usage_percent: share }) => (
      <Meter label={OVERVIEW.disksOf(name)} share={share} />
    ),
  },
  {
    ...{ id: 'gpu', title: columns.gpu, align: 'end', hideBelow: 'desktop' },
    sort: ({ gpu_usage: share }) => share,
    cell: ({ name, gpu_usage: share }) => (
      <Meter label={OVERVIEW.gpuOf(name)} share={share} warnAt={101} errorAt={101} />
    ),
  },
  {
    ...{ id: 'guests', title: columns.guests, align: 'end', hideBelow: 'desktop' },
    sort: ({ running_vms: running }) => running,
    cell: ({ running_vms: running, vm_count: all }) =>
      !isKnown(all) || all === 0 ? (
        <Num of={count(all)} />
      ) : (
        <span className="num">
          {OVERVIEW.of(quantityToText(count(running)), quantityToText(count(all)))}
        </span>
      ),
  },
  {
    ...{ id: 'alerts', title: columns.alerts, align: 'end', hideBelow: 'desktop' },
    ...{ sort: ({ alerts }) => alerts, cell: ({ alerts }) => <Num of={count(alerts)} /> },
  },
  {
    ...{ id: 'age', title: columns.age, align: 'end', hideBelow: 'tablet' },
    cell: ({ last_updated: at }) => <Age at={parseInstant(at)} />,
  },
];

const SORTABLE = [...BEFORE_HOUR, ...AFTER_HOUR].flatMap(({ id, sort }) =>
  sort === undefined ? [] : [id],
);
const NOTHING: readonly null[] = [];

/** Others only when there is more history: servers tell more each second, which is drawn alone. */
function columnsWith(hours: Hours): readonly Column<ServerListed>[] {
  const hour: Column<ServerListed> = {
    ...{ id: 'hour', title: columns.hour, align: 'end', hideBelow: 'tablet' },
    cell: ({ id, name }) => (
      <Sparkline label={OVERVIEW.cpuHourOf(name)} values={hours.get(id) ?? NOTHING} max={100} />
    ),
  };
  return [...BEFORE_HOUR, hour, ...AFTER_HOUR];
}

export function ServerList({ servers }: { readonly servers: readonly ServerListed[] }) {
  const [{ q, sort }, setSearch] = useViewSearch(overviewView);
  const { data } = useHistoryWindow({
    ...{ metrics: [CPU], range: LAST_HOUR, stepS: HOUR_STEP_S, everyMs: HISTORY_MS },
    queryKey: queryKeys.fleetHistory(CPU, LAST_HOUR),
  });
  const mayChange = useMayChange();
  const shown = useMemo(() => columnsWith(hoursOf(data)), [data]);
  const rows = useMemo(
    () => filterRows(servers, q, ({ id, name, status, roles }) => [id, name, status, ...roles]),
    [servers, q],
  );
  return (
    <Section
      title={OVERVIEW.servers}
      actions={
        mayChange && (
          <ViewLink to={settingsView} search={{ dialog: 'new' }} className="button">
            {OVERVIEW.addServer}
          </ViewLink>
        )
      }
    >
      {(servers.length > MANY || q !== '') && (
        <FilterField
          label={OVERVIEW.filter}
          value={q}
          onChange={(text) => setSearch({ q: text }, { replace: true })}
          shown={rows.length}
          all={servers.length}
        />
      )}
      <Table
        label={OVERVIEW.servers}
        rows={rows}
        rowKey={({ id }) => id}
        columns={shown}
        sort={parseSort(sort, SORTABLE, BY_STATE)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        empty={<EmptyState title={TEXT.table.nothingFits} />}
      />
    </Section>
  );
}

function hoursOf(window: HistoryWindow | undefined): Hours {
  if (window === undefined) return new Map();
  const { history, span } = window;
  return new Map(
    history.series.map(({ labels, values }) => [
      labels['server'] ?? '',
      spreadOver(history, values, span),
    ]),
  );
}
