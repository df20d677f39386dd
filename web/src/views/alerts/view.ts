/** What fires, and the rules by which it does. */
import { defineView } from '#web/app/view.ts';
import { ALERTS } from '#web/text/alerts.ts';

export const alertsView = defineView({
  path: '/alerts',
  title: ALERTS.title,
  icon: 'alert',
  search: { tab: 'alerts', q: '', sort: '', rule: '', silence: '' },
  load: async () => (await import('./AlertsPage.tsx')).AlertsPage,
  palette: async (session) => await (await import('./alert-entries.ts')).alertEntries(session),
});
