/** The first view: how everything stands. */
import { defineView } from '#web/app/view.ts';
import { OVERVIEW } from '#web/text/overview.ts';

export const overviewView = defineView({
  path: '/',
  title: OVERVIEW.title,
  icon: 'overview',
  search: { q: '', sort: 'status' },
  load: async () => (await import('./OverviewPage.tsx')).OverviewPage,
});
