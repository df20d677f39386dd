/** What the command palette offers of the settings: their parts, and a new token. */
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { settingsView } from './view.ts';

const { title: hint, tabs, tokens } = SETTINGS;

export function settingsEntries({ may_change: mayChange }: SignedIn): readonly PaletteEntry[] {
  const parts = (['connections', 'tokens', 'about'] as const).map((tab): PaletteEntry => ({
    ...{ id: `settings:${tab}`, title: tabs[tab], hint, icon: 'settings' },
    target: { view: settingsView, search: { tab } },
  }));
  const add: PaletteEntry = {
    ...{ id: 'settings:tokens:new', title: tokens.add, hint, icon: 'plus' },
    target: { view: settingsView, search: { tab: 'tokens', dialog: 'new' } },
  };
  return mayChange ? [...parts, add] : parts;
}
