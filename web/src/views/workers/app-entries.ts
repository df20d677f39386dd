/** Every app, and what can be done with it, for the command palette. */
import { getJson } from '#web/api/http.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { WORKERS } from '#web/text/workers.ts';
import { workersView } from './view.ts';
import { APPS_PATH, type App } from './worker-queries.ts';

const { palette: words } = WORKERS;

export async function appEntries({
  may_change: mayChange,
}: SignedIn): Promise<readonly PaletteEntry[]> {
  const { apps } = await getJson<{ readonly apps: readonly App[] }>(APPS_PATH);
  const deploy: PaletteEntry = {
    ...{ id: 'app:new', title: WORKERS.deploy, hint: WORKERS.title, icon: 'plus' },
    target: { view: workersView, search: { ask: 'deploy' } },
  };
  const found = apps.flatMap(({ name, url }): readonly PaletteEntry[] => [
    {
      ...{ id: `app:${name}`, title: name, hint: WORKERS.columns.app, icon: 'worker' },
      target: { view: workersView, search: { app: name } },
    },
    {
      ...{ id: `app:${name}:open`, title: words.open(name), hint: WORKERS.columns.app },
      ...{ icon: 'external', run: () => void window.open(url) },
    },
  ]);
  return mayChange ? [deploy, ...found, ...apps.map(removeEntry)] : found;
}

function removeEntry({ name }: App): PaletteEntry {
  return {
    ...{ id: `app:${name}:remove`, title: words.remove(name), hint: WORKERS.columns.app },
    ...{ icon: 'trash', target: { view: workersView, search: { app: name, ask: 'remove' } } },
  };
}
