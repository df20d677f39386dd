/** Moving VMs here: all migrations, one of them, a new one, and where VMs come from. */
import { defineView } from '#web/app/view.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';

export const migrationsView = defineView({
  path: '/migrations',
  title: MIGRATIONS.title,
  icon: 'migration',
  search: { state: 'all', q: '', sort: '-created', batch: '', schedule: '' },
  isForOperators: true,
  load: async () => (await import('./MigrationsPage.tsx')).MigrationsPage,
  palette: async (session) =>
    await (await import('./migration-entries.ts')).migrationEntries(session),
});

export const newMigrationView = defineView({
  path: '/migrations/new',
  title: MIGRATIONS.create.title,
  search: { source: '', q: '', sort: 'name' },
  isForOperators: true,
  load: async () => (await import('./NewMigrationPage.tsx')).NewMigrationPage,
});

export const sourcesView = defineView({
  path: '/migrations/sources',
  title: MIGRATIONS.sources.title,
  search: {},
  isForOperators: true,
  load: async () => (await import('./SourcesPage.tsx')).SourcesPage,
});

export const migrationView = defineView({
  path: '/migrations/$id',
  title: MIGRATIONS.one,
  search: { tab: 'log', ask: '' },
  isForOperators: true,
  load: async () => (await import('./MigrationPage.tsx')).MigrationPage,
});
