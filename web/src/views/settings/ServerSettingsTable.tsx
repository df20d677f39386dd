/** The servers that are watched, and where their numbers come from. */
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Menu, type MenuItem } from '#web/components/Menu.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { serverView } from '#web/views/server/view.ts';
import type { ServerSettings, SourceSettings } from './server-settings.ts';
import { settingsView } from './view.ts';

const { columns, actions: words } = SETTINGS;

const COLUMNS: readonly Column<ServerSettings>[] = [
  {
    ...{ id: 'server', title: columns.server, width: 'fit' },
    cell: ({ id, name }) => (
      <>
        <ViewLink to={serverView} params={{ id }}>
          {name}
        </ViewLink>{' '}
        {name !== id && <span className="quiet">{id}</span>}
      </>
    ),
  },
  {
    ...{ id: 'roles', title: columns.roles, hideBelow: 'tablet' },
    cell: ({ roles }) => roles.map((role) => SETTINGS.roles[role]).join(', '),
  },
  {
    ...{ id: 'sources', title: columns.sources, width: 'grow' },
    cell: ({ sources }) => {
      const text = sources.map(sourceToText).join(', ');
      return <span title={text}>{text}</span>;
    },
  },
  {
    ...{ id: 'origin', title: columns.origin, hideBelow: 'tablet' },
    cell: ({ origin }) => <span className="quiet">{SETTINGS.origins[origin]}</span>,
  },
];

export function ServerSettingsTable({ servers }: { readonly servers: readonly ServerSettings[] }) {
  const [, setSearch] = useViewSearch(settingsView);
  const mayChange = useMayChange();
  const actions: Column<ServerSettings> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (server) => (
      <Menu
        label={words.of(server.name)}
        items={itemsOf(server, {
          test: () => setSearch({ dialog: server.id, deed: 'test' }),
          edit: () => setSearch({ dialog: server.id }),
          remove: () => setSearch({ dialog: server.id, deed: 'remove' }),
        })}
      />
    ),
  };
  return (
    <>
      <Table
        label={SETTINGS.tabs.servers}
        rows={servers}
        rowKey={({ id }) => id}
        columns={mayChange ? [...COLUMNS, actions] : COLUMNS}
      />
      {servers.some(({ origin }) => origin === 'builtin') && (
        <p className="hint">{SETTINGS.builtinHint}</p>
      )}
    </>
  );
}

interface Deeds {
  readonly test: () => void;
  readonly edit: () => void;
  readonly remove: () => void;
}

function itemsOf({ origin }: ServerSettings, { test, edit, remove }: Deeds): readonly MenuItem[] {
  const refusal = origin === 'api' ? {} : { disabled: true, hint: SETTINGS.fixed[origin] };
  return [
    { title: words.test, icon: 'check', onChoose: test },
    { title: words.edit, onChoose: edit, ...refusal },
    { title: words.remove, icon: 'trash', kind: 'danger', onChoose: remove, ...refusal },
  ];
}

function sourceToText({ kind, url, instance }: SourceSettings): string {
  return [SETTINGS.short[kind], url, instance].filter((text) => text !== undefined).join(' ');
}
