/** All machines, and one of them. */
import { defineView } from '#web/app/view.ts';
import { MACHINES } from '#web/text/machines.ts';

export const machinesView = defineView({
  path: '/machines',
  title: MACHINES.title,
  icon: 'machine',
  search: { q: '', state: '', sort: 'name', create: '' },
  load: async () => (await import('./MachinesPage.tsx')).MachinesPage,
  palette: async (session) => await (await import('./machine-entries.ts')).machineEntries(session),
});

export const machineView = defineView({
  path: '/machines/$id',
  title: MACHINES.title,
  /** `ask` is the command that is asked about. */
  search: { tab: 'overview', range: '1h', ask: '' },
  load: async () => (await import('./MachinePage.tsx')).MachinePage,
});
