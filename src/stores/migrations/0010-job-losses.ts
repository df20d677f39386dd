import type { Migration } from './migration.ts';

/** How far a job was when its process died last: a death after that is the first again. */
export const jobLosses: Migration = {
  version: 10,
  name: 'job-losses',
  async up(trx) {
    await trx.schema
      .alterTable('jobs')
      .addColumn('lost_percent', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
