/** Every server, for the command palette, and what can be done about it. */
import type { ServerList } from '#web/api/fleet.ts';
import { getJson } from '#web/api/http.ts';
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { SERVERS_PATH, type ServerSettings } from '#web/views/settings/server-settings.ts';
import { settingsView } from '#web/views/settings/view.ts';
import { serverView } from './view.ts';

const { palette: words } = SETTINGS;

export async function serverEntries({
  may_change: mayChange,
}: SignedIn): Promise<readonly PaletteEntry[]> {
  const known = queryClient.getQueryData<ServerList>(queryKeys.servers);
  const { servers } = known ?? (await getJson<ServerList>('/api/servers'));
  const found = servers.map(({ id, name, status, roles }): PaletteEntry => ({
    ...{ id: `server:${id}`, title: name, hint: OVERVIEW.states[status], icon: 'server' },
    ...{ keywords: [id, ...roles], target: { view: serverView, params: { id } } },
  }));
  return mayChange ? [...found, ...(await deedEntries())] : found;
}

async function deedEntries(): Promise<readonly PaletteEntry[]> {
  const { servers } = await getJson<{ readonly servers: readonly ServerSettings[] }>(SERVERS_PATH);
  const { title: hint } = SETTINGS;
  const add: PaletteEntry = {
    ...{ id: 'server:new', title: SETTINGS.add, hint, icon: 'plus' },
    target: { view: settingsView, search: { dialog: 'new' } },
  };
  return [add, ...servers.flatMap(deedsOf)];
}

/** What is not configured here can be tested alone, as in the settings. */
function deedsOf({ id, name, origin }: ServerSettings): readonly PaletteEntry[] {
  const shared = { hint: SETTINGS.title, keywords: [id] };
  const test: PaletteEntry = {
    ...{ ...shared, id: `server:${id}:test`, title: words.test(name), icon: 'check' },
    target: { view: settingsView, search: { dialog: id, deed: 'test' } },
  };
  if (origin !== 'api') return [test];
  return [
    test,
    {
      ...{ ...shared, id: `server:${id}:edit`, title: words.edit(name), icon: 'settings' },
      target: { view: settingsView, search: { dialog: id } },
    },
    {
      ...{ ...shared, id: `server:${id}:remove`, title: words.remove(name), icon: 'trash' },
      target: { view: settingsView, search: { dialog: id, deed: 'remove' } },
    },
  ];
}
