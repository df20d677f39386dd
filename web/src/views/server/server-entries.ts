/** Every server, for the command palette. */
import type { ServerList } from '#web/api/fleet.ts';
import { getJson } from '#web/api/http.ts';
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { serverView } from './view.ts';

export async function serverEntries(): Promise<readonly PaletteEntry[]> {
  const known = queryClient.getQueryData<ServerList>(queryKeys.servers);
  const { servers } = known ?? (await getJson<ServerList>('/api/servers'));
  return servers.map(({ id, name, status, roles }) => ({
    ...{ id: `server:${id}`, title: name, hint: OVERVIEW.states[status], icon: 'server' },
    ...{ keywords: [id, ...roles], target: { view: serverView, params: { id } } },
  }));
}
