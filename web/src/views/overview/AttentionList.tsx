/** What somebody should look at, with its reason. */
import { useMemo } from 'react';
import { useAlerts } from '#web/api/alerts.ts';
import type { ServerListed } from '#web/api/server-shapes.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { OVERVIEW } from '#web/text/overview.ts';
import { alertsView } from '#web/views/alerts/view.ts';
import { serverView } from '#web/views/server/view.ts';
import { listAttention, type Attention } from './attention.ts';

const { columns } = OVERVIEW;

const COLUMNS: readonly Column<Attention>[] = [
  {
    ...{ id: 'severity', title: columns.severity, width: 'fit' },
    cell: ({ kind, severity }) => <Status kind={kind}>{severity}</Status>,
  },
  {
    ...{ id: 'server', title: columns.server, width: 'fit', hideBelow: 'tablet' },
    cell: ({ server }) =>
      server !== undefined && (
        <ViewLink to={serverView} params={{ id: server }}>
          {server}
        </ViewLink>
      ),
  },
  {
    ...{ id: 'what', title: columns.what, width: 'fit' },
    cell: (row) => <What {...row} />,
  },
  {
    ...{ id: 'why', title: columns.why, width: 'grow' },
    cell: ({ why }) => <span title={why}>{why}</span>,
  },
  {
    ...{ id: 'since', title: columns.since, align: 'end', hideBelow: 'tablet' },
    cell: ({ sinceMs }) => <Age at={sinceMs} />,
  },
];

/** The way to what can be done about it. */
function What({ rule, server, what }: Attention) {
  if (rule !== undefined) {
    return (
      <ViewLink to={alertsView} search={{ q: rule }}>
        {what}
      </ViewLink>
    );
  }
  if (server === undefined) return what;
  return (
    <ViewLink to={serverView} params={{ id: server }}>
      {what}
    </ViewLink>
  );
}

export function AttentionList({ servers }: { readonly servers: readonly ServerListed[] }) {
  return (
    <Section title={OVERVIEW.attention}>
      <Loaded query={useAlerts()}>
        {({ alerts }) => <Listed servers={servers} alerts={alerts} />}
      </Loaded>
    </Section>
  );
}

function Listed({ servers, alerts }: ListedProps) {
  const rows = useMemo(() => listAttention(servers, alerts), [servers, alerts]);
  if (rows.length === 0) return <Status kind="ok">{OVERVIEW.nothing}</Status>;
  return (
    <Table label={OVERVIEW.attention} rows={rows} rowKey={({ key }) => key} columns={COLUMNS} />
  );
}

interface ListedProps {
  readonly servers: readonly ServerListed[];
  readonly alerts: Parameters<typeof listAttention>[1];
}
