/** Every server, for the command palette. */
import type { ServerList } from '#web/api/fleet.ts';
import { getJson } from '#web/api/http.ts';
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { Session } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { settingsView } from '#web/views/settings/view.ts';
import { serverView } from './view.ts';

export async function serverEntries(): Promise<readonly PaletteEntry[]> {
  const known = queryClient.getQueryData<ServerList>(queryKeys.servers);
  const { servers } = known ?? (await getJson<ServerList>('/api/servers'));
  const session = queryClient.getQueryData<Session>(queryKeys.session);
  const add: PaletteEntry = {
    ...{ id: 'server:new', title: SETTINGS.add, hint: SETTINGS.title, icon: 'plus' },
    target: { view: settingsView, search: { dialog: 'new' } },
  };
  const mayAdd = session?.authenticated === true && session.may_change;
  const found = servers.map(({ id, name, status, roles }): PaletteEntry => ({
    ...{ id: `server:${id}`, title: name, hint: OVERVIEW.states[status], icon: 'server' },
    ...{ keywords: [id, ...roles], target: { view: serverView, params: { id } } },
  }));
  return mayAdd ? [add, ...found] : found;
}
