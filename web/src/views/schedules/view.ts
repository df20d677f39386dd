/** Migrations that come by themselves: all schedules, and one with its history. */
import { defineView } from '#web/app/view.ts';
import { SCHEDULES } from '#web/text/schedules.ts';

export const schedulesView = defineView({
  path: '/migrations/schedules',
  title: SCHEDULES.title,
  icon: 'schedule',
  search: { q: '', sort: 'name' },
  isForOperators: true,
  load: async () => (await import('./SchedulesPage.tsx')).SchedulesPage,
  palette: async (session) =>
    await (await import('./schedule-entries.ts')).scheduleEntries(session),
});

export const scheduleView = defineView({
  path: '/migrations/schedules/$id',
  title: SCHEDULES.one,
  search: { ask: '' },
  isForOperators: true,
  load: async () => (await import('./SchedulePage.tsx')).SchedulePage,
});
