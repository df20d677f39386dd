/** What the command palette offers of the settings: their parts, and what is added there. */
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { settingsView } from './view.ts';

const { title: hint, tabs, tokens } = SETTINGS;

export function settingsEntries(): readonly PaletteEntry[] {
  const parts = (['connections', 'tokens'] as const).map((tab): PaletteEntry => ({
    ...{ id: `settings:${tab}`, title: tabs[tab], hint, icon: 'settings' },
    target: { view: settingsView, search: { tab } },
  }));
  const added = [
    ['servers', SETTINGS.add],
    ['tokens', tokens.add],
  ] as const;
  const deeds = added.map(([tab, title]): PaletteEntry => ({
    ...{ id: `settings:${tab}:new`, title, hint, icon: 'plus' },
    target: { view: settingsView, search: { tab, dialog: 'new' } },
  }));
  return [...parts, ...deeds];
}
