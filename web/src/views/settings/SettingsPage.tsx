/** Whom Drover watches, where it finds VMs, who may use it, and what it is. */
import type { ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { ConnectionList } from '#web/views/migrations/ConnectionList.tsx';
import { About } from './About.tsx';
import { RemoveServer } from './RemoveServer.tsx';
import { ServerDialog } from './ServerDialog.tsx';
import { useServerSettings } from './server-settings.ts';
import { ServerSettingsTable } from './ServerSettingsTable.tsx';
import './settings.css';
import { TestDialog } from './TestDialog.tsx';
import { TokenDialog } from './TokenDialog.tsx';
import { TokenSettings } from './TokenSettings.tsx';
import { settingsView } from './view.ts';

const TABS = ['servers', 'connections', 'tokens', 'about'] as const;
type Tab = (typeof TABS)[number];

/** In place of the id of a server. */
const NEW = 'new';

export function SettingsPage(): ReactNode {
  const [{ tab: named, dialog, deed }, setSearch] = useViewSearch(settingsView);
  const tab = TABS.find((each) => each === named) ?? 'servers';
  const mayChange = useMayChange();
  const add = ADDED[tab];
  const close = () => setSearch({ dialog: '', deed: '' });
  return (
    <>
      <PageHeader
        title={SETTINGS.title}
        actions={
          mayChange &&
          add !== undefined && (
            <Button icon="plus" onClick={() => setSearch({ dialog: NEW })}>
              {add}
            </Button>
          )
        }
      />
      <Tabs
        label={SETTINGS.tabs.label}
        tabs={TABS.map((id) => ({ id, title: SETTINGS.tabs[id] }))}
        chosen={tab}
        onChoose={(id) => setSearch({ tab: id, dialog: '', deed: '' })}
      >
        {SHOWN[tab]}
      </Tabs>
      {mayChange && tab === 'servers' && <ServerDialogAt id={dialog} deed={deed} onClose={close} />}
      {mayChange && tab === 'tokens' && dialog === NEW && <TokenDialog onClose={close} />}
    </>
  );
}

/** Connections bring a button of their own along. */
const ADDED: Readonly<Partial<Record<Tab, string>>> = {
  ...{ servers: SETTINGS.add, tokens: SETTINGS.tokens.add },
};

const SHOWN: Readonly<Record<Tab, ReactNode>> = {
  servers: <Servers />,
  connections: <ConnectionList />,
  tokens: <TokenSettings />,
  about: <About />,
};

function Servers() {
  return (
    <Loaded query={useServerSettings()}>
      {({ servers }) => <ServerSettingsTable servers={servers} />}
    </Loaded>
  );
}

interface ServerDialogAtProps {
  readonly id: string;
  readonly deed: string;
  readonly onClose: () => void;
}

/** What may not be changed, as the config file says it, can still be tested. */
function ServerDialogAt({ id, deed, onClose }: ServerDialogAtProps) {
  const { data } = useServerSettings();
  const server = data?.servers.find((each) => each.id === id);
  if (id === NEW) return <ServerDialog key={id} server={undefined} onClose={onClose} />;
  if (server === undefined) return null;
  if (deed === 'test') return <TestDialog server={server} onClose={onClose} />;
  if (server.origin !== 'api') return null;
  if (deed === 'remove') return <RemoveServer server={server} onClose={onClose} />;
  return <ServerDialog key={id} server={server} onClose={onClose} />;
}
