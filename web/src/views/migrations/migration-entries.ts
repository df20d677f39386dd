/** What the command palette offers of migrations: the newest, and a new one. */
import { sendJson } from '#web/api/http.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { nameOf, standingOf } from './job-words.ts';
import { migrationView, newMigrationView, sourcesView } from './view.ts';
import type { JobPage } from './wire.ts';

const MOST = 200;

export async function migrationEntries(): Promise<readonly PaletteEntry[]> {
  const hint = MIGRATIONS.palette.newHint;
  const own: readonly PaletteEntry[] = [
    {
      ...{ id: 'migration-new', title: MIGRATIONS.newOne, hint, icon: 'plus' },
      target: { view: newMigrationView },
    },
    {
      ...{ id: 'migration-sources', title: MIGRATIONS.sources.title, hint, icon: 'migration' },
      target: { view: sourcesView },
    },
  ];
  const { jobs } = await sendJson<JobPage>('POST', '/jobs/query', { limit: MOST });
  const found = jobs.map((job): PaletteEntry => {
    const { id, vm_path: path } = job.definition;
    return {
      ...{ id: `migration:${id}`, title: nameOf(job), hint: standingOf(job).text },
      ...{ keywords: [id, path], icon: 'migration' },
      target: { view: migrationView, params: { id } },
    };
  });
  return [...own, ...found];
}
