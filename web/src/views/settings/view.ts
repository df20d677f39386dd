/** Servers, connections, tokens, and what this Drover is. */
import { defineView } from '#web/app/view.ts';
import { SETTINGS } from '#web/text/settings.ts';

export const settingsView = defineView({
  path: '/settings',
  title: SETTINGS.title,
  icon: 'settings',
  search: { tab: 'servers', dialog: '', deed: '' },
  isForOperators: true,
  load: async () => (await import('./SettingsPage.tsx')).SettingsPage,
  palette: async (session) => (await import('./settings-entries.ts')).settingsEntries(session),
});
