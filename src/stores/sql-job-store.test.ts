import { after, describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases, type OpenStores } from '#test/contract/databases.ts';
import { itKeepsJobs } from '#test/contract/job-store.ts';

const TABLES = [
  ...(['jobs', 'job_counts', 'job_checkpoints', 'job_lanes'] as const),
  ...(['job_history', 'job_logs', 'events'] as const),
];

for (const dialect of DIALECTS) {
  describe(`SqlJobStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    let stores: OpenStores | undefined;
    after(() => stores?.[Symbol.asyncDispose]());
    // One database that is emptied: making one takes longer than most of the tests.
    itKeepsJobs(async () => {
      const { jobs, events, database } = (stores ??= await openStoresAt(await createUrl()));
      await database.write(async (trx) => {
        for (const table of TABLES) await trx.deleteFrom(table).execute();
      });
      return { jobs, events, [Symbol.asyncDispose]: () => Promise.resolve() };
    });
  });
}
