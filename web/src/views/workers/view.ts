/** The worker pool, the apps that run in it, and what they write. */
import { defineView } from '#web/app/view.ts';
import { WORKERS } from '#web/text/workers.ts';

export const workersView = defineView({
  path: '/workers',
  title: WORKERS.title,
  icon: 'worker',
  search: { tab: 'apps', q: '', sort: '', app: '', ask: '' },
  isForOperators: true,
  load: async () => (await import('./WorkersPage.tsx')).WorkersPage,
  palette: async (session) => await (await import('./app-entries.ts')).appEntries(session),
});
