/** Which servers are watched, and what this Drover is. */
import type { ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { About } from './About.tsx';
import { ServerDialog } from './ServerDialog.tsx';
import { useServerSettings } from './server-settings.ts';
import { ServerSettingsTable } from './ServerSettingsTable.tsx';
import './settings.css';
import { settingsView } from './view.ts';

/** In place of the id of a server. */
const NEW = 'new';

export function SettingsPage(): ReactNode {
  const [{ tab, dialog }, setSearch] = useViewSearch(settingsView);
  const servers = useServerSettings();
  const mayChange = useMayChange();
  const isAbout = tab === 'about';
  const edited = servers.data?.servers.find(({ id }) => id === dialog);
  return (
    <>
      <PageHeader
        title={SETTINGS.title}
        actions={
          mayChange && (
            <Button icon="plus" onClick={() => setSearch({ tab: 'servers', dialog: NEW })}>
              {SETTINGS.add}
            </Button>
          )
        }
      />
      <Tabs
        label={SETTINGS.tabs.label}
        tabs={[
          { id: 'servers', title: SETTINGS.tabs.servers },
          { id: 'about', title: SETTINGS.tabs.about },
        ]}
        chosen={isAbout ? 'about' : 'servers'}
        onChoose={(id) => setSearch({ tab: id })}
      >
        {isAbout ? (
          <About />
        ) : (
          <Loaded query={servers}>
            {(data) => <ServerSettingsTable servers={data.servers} />}
          </Loaded>
        )}
      </Tabs>
      {mayChange && (dialog === NEW || edited !== undefined) && (
        <ServerDialog key={dialog} server={edited} onClose={() => setSearch({ dialog: '' })} />
      )}
    </>
  );
}
