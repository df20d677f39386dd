/** Every app, for the command palette. */
import { getJson } from '#web/api/http.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { WORKERS } from '#web/text/workers.ts';
import { workersView } from './view.ts';
import { APPS_PATH, type App } from './worker-queries.ts';

export async function appEntries(): Promise<readonly PaletteEntry[]> {
  const { apps } = await getJson<{ readonly apps: readonly App[] }>(APPS_PATH);
  return apps.map(({ name }) => ({
    ...{ id: `app:${name}`, title: name, hint: WORKERS.columns.app, icon: 'worker' },
    target: { view: workersView, search: { app: name } },
  }));
}
