/** What is pending or fires now. */
import { useMemo } from 'react';
import { alertKey, labelsOfAlert, serverOfAlert, type Alert } from '#web/api/alerts.ts';
import { hostServerOf, useServers } from '#web/api/fleet.ts';
import { useMayChange, useSession } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { quantityOf } from '#web/format/metric-units.ts';
import { quantityToText } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { parseInstant } from '#web/format/times.ts';
import { ALERTS } from '#web/text/alerts.ts';
import { serverView } from '#web/views/server/view.ts';
import { isLoud } from './silences.ts';
import { alertsView } from './view.ts';

interface Row extends Alert {
  readonly server: string | undefined;
  /** It has a view. */
  readonly isWatched: boolean;
}

const { columns } = ALERTS;
/** The gravest first; what is pending comes after what fires. */
const SEVERITY_RANKS = { critical: 0, warning: 1, info: 2 } as const;
const PENDING_RANK = 3;
const BY_SEVERITY = { column: 'severity', descending: false };
const KINDS = { critical: 'error', warning: 'warning', info: 'busy' } as const;

const COLUMNS: readonly Column<Row>[] = [
  {
    ...{ id: 'severity', title: columns.severity, width: 'fit' },
    sort: ({ state, severity }) =>
      SEVERITY_RANKS[severity] + (state === 'pending' ? PENDING_RANK : 0),
    cell: (alert) => (
      <>
        <span data-hide="tablet">
          <Standing alert={alert} text={ALERTS.severities[alert.severity]} />
        </span>
        <span data-show="tablet">
          <Standing alert={alert} text={shortOf(alert)} />
        </span>
      </>
    ),
  },
  {
    ...{ id: 'state', title: columns.state, width: 'fit', hideBelow: 'tablet' },
    cell: ({ state, silenced_until: until }) => ALERTS.states[until === null ? state : 'silenced'],
  },
  {
    ...{ id: 'rule', title: columns.rule, width: 'fit', sort: (alert) => alert.rule_name },
    cell: ({ rule_id: rule, rule_name: name, description }) => (
      <ViewLink to={alertsView} search={{ tab: 'rules', rule }}>
        <span title={description}>{name}</span>
      </ViewLink>
    ),
  },
  {
    ...{ id: 'server', title: columns.server, sort: ({ server }) => server },
    cell: ({ server = '', isWatched }) =>
      isWatched ? (
        <ViewLink to={serverView} params={{ id: server }}>
          {server}
        </ViewLink>
      ) : (
        server
      ),
  },
  {
    ...{ id: 'series', title: columns.series, width: 'grow', hideBelow: 'tablet' },
    cell: (alert) => <span title={alert.subject}>{labelsOfAlert(alert) || alert.subject}</span>,
  },
  {
    ...{ id: 'value', title: columns.value, align: 'end', hideBelow: 'tablet' },
    cell: ({ subject, value }) => <Num of={quantityOf(subject, value)} />,
  },
  {
    ...{ id: 'limit', title: columns.limit, align: 'end', hideBelow: 'tablet' },
    cell: ({ subject, comparison, threshold }) => (
      <span className="num">
        {comparison} {quantityToText(quantityOf(subject, threshold))}
      </span>
    ),
  },
  {
    ...{ id: 'since', title: columns.since, align: 'end', hideBelow: 'tablet' },
    sort: ({ since }) => Date.now() - (parseInstant(since) ?? 0),
    cell: ({ since }) => <Age at={parseInstant(since)} />,
  },
];

const SORTABLE = ['severity', 'rule', 'server', 'since'];

export function AlertTable({ alerts }: { readonly alerts: readonly Alert[] }) {
  const [{ q, sort }, setSearch] = useViewSearch(alertsView);
  const { data: session } = useSession();
  const isOperator = session?.authenticated === true && session.kind === 'operator';
  const rows = useRows(alerts, q, isOperator);
  const maySilence = useMayChange() && isOperator;
  const actions: Column<Row> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (alert) =>
      isLoud(alert) && (
        <Button
          size="small"
          title={ALERTS.silence.of(alert.rule_name)}
          onClick={() => setSearch({ silence: alertKey(alert) }, { replace: true })}
        >
          {ALERTS.silence.open}
        </Button>
      ),
  };
  if (alerts.length === 0) {
    return (
      <EmptyState
        title={ALERTS.none}
        action={
          <ViewLink to={alertsView} search={{ tab: 'rules' }} className="button">
            {ALERTS.toRules}
          </ViewLink>
        }
      >
        {ALERTS.noneHint}
      </EmptyState>
    );
  }
  return (
    <>
      <FilterField
        label={ALERTS.filterAlerts}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={rows.length}
        all={alerts.length}
      />
      <Table
        label={ALERTS.tabs.alerts}
        rows={rows}
        rowKey={alertKey}
        columns={maySilence ? [...COLUMNS, actions] : COLUMNS}
        sort={parseSort(sort, SORTABLE, BY_SEVERITY)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
      />
    </>
  );
}

/** Where there is no room for how grave it is and how it stands, what counts of both. */
function shortOf(alert: Alert): string {
  if (alert.silenced_until !== null) return ALERTS.states.silenced;
  return alert.state === 'pending' ? ALERTS.states.pending : ALERTS.severities[alert.severity];
}

function Standing({ alert, text }: { readonly alert: Alert; readonly text: string }) {
  const { state, severity, silenced_until: until } = alert;
  const isQuiet = state === 'pending' || until !== null;
  return <Status kind={isQuiet ? 'idle' : KINDS[severity]}>{text}</Status>;
}

/** With the server that each is about; what names none is about this host. */
function useRows(alerts: readonly Alert[], q: string, isOperator: boolean): readonly Row[] {
  const servers = useServers({ enabled: isOperator });
  return useMemo(() => {
    const listed = servers.data?.servers ?? [];
    const ids = new Set(listed.map(({ id }) => id));
    const here = hostServerOf(listed);
    const all = alerts.map((alert): Row => {
      const server = serverOfAlert(alert) ?? here;
      return { ...alert, server, isWatched: server !== undefined && ids.has(server) };
    });
    return filterRows(all, q, ({ rule_name: name, server, severity, state, labels }) => [
      ...[name, server, severity, state, ...Object.values(labels)],
    ]);
  }, [alerts, q, servers.data]);
}
