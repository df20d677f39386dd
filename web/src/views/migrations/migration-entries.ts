/** The newest migrations, what each could be told now, and a new one: for the command palette. */
import { sendJson } from '#web/api/http.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { runDeed } from '#web/app/run-deed.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { COMMANDS, LIMIT, carryOut, invalidatedBy } from './job-commands.ts';
import { nameOf, standingOf } from './job-words.ts';
import { migrationView, newMigrationView, sourcesView } from './view.ts';
import type { Job, JobPage } from './wire.ts';

const MOST = 200;
const { palette: words } = MIGRATIONS;

export async function migrationEntries({
  may_change: mayChange,
}: SignedIn): Promise<readonly PaletteEntry[]> {
  const { newHint: hint } = words;
  const start: PaletteEntry = {
    ...{ id: 'migration-new', title: MIGRATIONS.newOne, hint, icon: 'plus' },
    target: { view: newMigrationView },
  };
  const sources: PaletteEntry = {
    ...{ id: 'migration-sources', title: MIGRATIONS.sources.title, hint, icon: 'migration' },
    target: { view: sourcesView },
  };
  const { jobs } = await sendJson<JobPage>('POST', '/jobs/query', { limit: MOST });
  return [
    ...(mayChange ? [start] : []),
    sources,
    ...jobs.map((job): PaletteEntry => ({
      ...{ ...factsOf(job), id: `migration:${job.definition.id}`, title: nameOf(job) },
      target: { view: migrationView, params: { id: job.definition.id } },
    })),
    ...(mayChange ? jobs.flatMap(deedsOf) : []),
  ];
}

function factsOf(job: Job) {
  const { id, vm_path: path } = job.definition;
  return { hint: standingOf(job).text, keywords: [id, path], icon: 'migration' } as const;
}

/** What asks first does so on the page of the migration. */
function deedsOf(job: Job): readonly PaletteEntry[] {
  const { id } = job.definition;
  const told = ([...COMMANDS, LIMIT] as const).filter((command) => job.commands.includes(command));
  return told.map((command) => {
    const title = words.deeds[command](nameOf(job));
    const facts = { ...factsOf(job), id: `migration:${id}:${command}`, title };
    return command === 'retry'
      ? { ...facts, run: () => void retry(job) }
      : { ...facts, target: { view: migrationView, params: { id }, search: { ask: command } } };
  });
}

async function retry(job: Job): Promise<void> {
  await runDeed({
    run: async () => {
      await carryOut({ command: 'retry', jobs: [job] });
      return MIGRATIONS.done.retry(nameOf(job));
    },
    invalidates: invalidatedBy([job]),
  });
}
