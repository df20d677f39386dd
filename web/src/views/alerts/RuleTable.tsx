/** Every rule: what it watches, how it goes with it, and what can be done with it. */
import { useMemo, useState } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { quantityOf } from '#web/format/metric-units.ts';
import { count, quantityToText } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { ALERTS } from '#web/text/alerts.ts';
import { RemoveRule } from './RemoveRule.tsx';
import { RuleMenu } from './RuleMenu.tsx';
import { SEVERITIES, type Rule } from './rules.ts';
import { alertsView } from './view.ts';

const { columns, health: words } = ALERTS;
const HEALTH_KINDS = { ok: 'ok', no_data: 'unknown', error: 'error', disabled: 'idle' } as const;
const BY_NAME = { column: 'name', descending: false };

const COLUMNS: readonly Column<Rule>[] = [
  {
    ...{ id: 'name', title: columns.name, width: 'fit', sort: ({ name }) => name },
    cell: (rule) => <RuleName rule={rule} />,
  },
  {
    ...{ id: 'state', title: columns.state, width: 'fit', sort: ({ health }) => health.status },
    cell: ({ health: { status, error, series } }) => (
      <span title={error ?? words.series(series)}>
        <Status kind={HEALTH_KINDS[status]}>{words[status]}</Status>
      </span>
    ),
  },
  {
    ...{ id: 'subject', title: columns.subject, width: 'grow', hideBelow: 'tablet' },
    cell: (rule) => {
      const subject = subjectOf(rule);
      return (
        <code className="quiet" title={subject}>
          {subject}
        </code>
      );
    },
  },
  {
    ...{ id: 'crossed', title: columns.crossed, align: 'end' },
    cell: ({ metric = '', comparison, value }) => (
      <span className="num">
        {comparison} {quantityToText(quantityOf(metric, value))}
      </span>
    ),
  },
  {
    ...{ id: 'for', title: columns.for, align: 'end', hideBelow: 'tablet' },
    cell: (rule) => <span className="num">{rule.for}</span>,
  },
  {
    ...{ id: 'severity', title: columns.severity, hideBelow: 'tablet' },
    sort: ({ severity }) => -SEVERITIES.indexOf(severity),
    cell: ({ severity }) => ALERTS.severities[severity],
  },
  {
    ...{ id: 'source', title: columns.source, hideBelow: 'desktop', sort: sourceOf },
    cell: (rule) => <span className="quiet">{sourceOf(rule)}</span>,
  },
  {
    ...{ id: 'alerts', title: columns.alerts, align: 'end', hideBelow: 'tablet' },
    sort: ({ alerts }) => alerts.firing,
    cell: ({ alerts: { firing } }) => <Num of={count(firing)} />,
  },
];

const SORTABLE = COLUMNS.flatMap(({ id, sort }) => (sort === undefined ? [] : [id]));

export function RuleTable({ rules }: { readonly rules: readonly Rule[] }) {
  const [{ q, sort }, setSearch] = useViewSearch(alertsView);
  const [removed, setRemoved] = useState<Rule>();
  const mayChange = useMayChange();
  const rows = useMemo(
    () =>
      filterRows(rules, q, (rule) => [rule.name, rule.severity, subjectOf(rule), sourceOf(rule)]),
    [rules, q],
  );
  const actions: Column<Rule> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (rule) => (
      <RuleMenu
        rule={rule}
        onEdit={() => setSearch({ rule: rule.id })}
        onRemove={() => setRemoved(rule)}
      />
    ),
  };
  return (
    <>
      <FilterField
        label={ALERTS.filterRules}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={rows.length}
        all={rules.length}
      />
      <Table
        label={ALERTS.tabs.rules}
        rows={rows}
        rowKey={({ id }) => id}
        columns={mayChange ? [...COLUMNS, actions] : COLUMNS}
        sort={parseSort(sort, SORTABLE, BY_NAME)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        empty={<EmptyState title={ALERTS.noneFits} />}
      />
      {removed !== undefined && <RemoveRule rule={removed} onClose={() => setRemoved(undefined)} />}
    </>
  );
}

/** Opens it, for who may change it. */
function RuleName({ rule: { id, name, description } }: { readonly rule: Rule }) {
  const [search] = useViewSearch(alertsView);
  const text = <span title={description}>{name}</span>;
  if (!useMayChange()) return text;
  return (
    <ViewLink to={alertsView} search={{ ...search, rule: id }}>
      {text}
    </ViewLink>
  );
}

function subjectOf({ metric, match = [], expr }: Rule): string {
  if (expr !== undefined) return expr;
  return match.length === 0 ? (metric ?? '') : `${metric ?? ''}{${match.join(',')}}`;
}

function sourceOf({ source, overridden }: Rule): string {
  return source === 'default' && overridden ? ALERTS.sources.changed : ALERTS.sources[source];
}
