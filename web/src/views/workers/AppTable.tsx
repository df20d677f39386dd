/** The apps, with what is current and how its workers are. */
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Num } from '#web/components/Num.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count } from '#web/format/numbers.ts';
import { parseSort, sortToText } from '#web/format/sort-rows.ts';
import { parseInstant } from '#web/format/times.ts';
import { WORKERS } from '#web/text/workers.ts';
import { RemoveApp } from './AppDialogs.tsx';
import { workersView } from './view.ts';
import type { App, AppVersion } from './worker-queries.ts';

const { columns, actions: words } = WORKERS;
const BY_NAME = { column: 'app', descending: false };

function currentOf({ versions }: App): AppVersion | undefined {
  return versions.find(({ current }) => current);
}

const COLUMNS: readonly Column<App>[] = [
  {
    ...{ id: 'app', title: columns.app, width: 'grow', sort: ({ name }) => name },
    cell: ({ name }) => (
      <ViewLink to={workersView} search={{ app: name }}>
        {name}
      </ViewLink>
    ),
  },
  {
    ...{ id: 'state', title: columns.state, sort: ({ failing }) => failing },
    cell: ({ failing }) =>
      failing === null ? (
        <Status kind="ok">{WORKERS.works}</Status>
      ) : (
        <span title={failing}>
          <Status kind="error">{WORKERS.fails}</Status>
        </span>
      ),
  },
  { id: 'current', title: columns.current, cell: ({ current }) => current },
  {
    ...{ id: 'access', title: columns.access, hideBelow: 'tablet' },
    cell: ({ access }) => <span className="quiet">{access}</span>,
  },
  {
    ...{ id: 'active', title: columns.active, align: 'end', hideBelow: 'tablet' },
    ...{ sort: ({ workers }) => workers.active },
    cell: ({ workers }) => <Num of={count(workers.active)} />,
  },
  {
    ...{ id: 'idle', title: columns.idle, align: 'end', hideBelow: 'tablet' },
    cell: ({ workers }) => <Num of={count(workers.idle)} />,
  },
  {
    ...{ id: 'queued', title: columns.queued, align: 'end', hideBelow: 'tablet' },
    ...{ sort: (app) => currentOf(app)?.workers?.queued },
    cell: (app) => <Num of={count(currentOf(app)?.workers?.queued)} />,
  },
  {
    ...{ id: 'requests', title: columns.requests, align: 'end', hideBelow: 'tablet' },
    ...{ sort: (app) => currentOf(app)?.workers?.requests },
    cell: (app) => <Num of={count(currentOf(app)?.workers?.requests)} />,
  },
  {
    ...{ id: 'deployed', title: columns.deployed, align: 'end', hideBelow: 'desktop' },
    cell: (app) => <Age at={parseInstant(currentOf(app)?.deployed_at)} />,
  },
];

const SORTABLE = COLUMNS.flatMap(({ id, sort }) => (sort === undefined ? [] : [id]));

export interface AppTableProps {
  readonly apps: readonly App[];
  readonly onDeploy: () => void;
}

export function AppTable({ apps, onDeploy }: AppTableProps) {
  const [{ sort, app: chosen, ask }, setSearch] = useViewSearch(workersView);
  const removed = apps.find(({ name }) => ask === 'remove' && name === chosen);
  const mayChange = useMayChange();
  if (apps.length === 0) {
    return (
      <EmptyState
        title={WORKERS.noApps}
        action={mayChange && <Button onClick={onDeploy}>{WORKERS.deploy}</Button>}
      >
        {WORKERS.noAppsHint}
      </EmptyState>
    );
  }
  const actions: Column<App> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (app) => (
      <Menu
        label={words.of(app.name)}
        items={[
          { title: words.log, onChoose: () => setSearch({ app: app.name }) },
          { title: words.open, icon: 'external', onChoose: () => window.open(app.url) },
          {
            ...{ title: words.remove, icon: 'trash', kind: 'danger' },
            onChoose: () => setSearch({ app: app.name, ask: 'remove' }),
          },
        ]}
      />
    ),
  };
  return (
    <>
      <Table
        label={WORKERS.tabs.apps}
        rows={apps}
        rowKey={({ name }) => name}
        columns={mayChange ? [...COLUMNS, actions] : COLUMNS}
        sort={parseSort(sort, SORTABLE, BY_NAME)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
      />
      {mayChange && removed !== undefined && (
        <RemoveApp
          app={removed}
          onRemoved={() => setSearch({ app: '', ask: '' })}
          onClose={() => setSearch({ ask: '' })}
        />
      )}
    </>
  );
}
