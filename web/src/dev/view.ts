/** Every component on one page, in the build that the tests use. */
import { defineView } from '#web/app/view.ts';

export const componentsView = /* @__PURE__ */ defineView({
  path: '/dev/components',
  title: 'Components',
  icon: 'settings',
  search: { q: '', sort: 'name', tab: 'one', range: '1h' },
  load: async () => (await import('./ComponentsPage.tsx')).ComponentsPage,
});
