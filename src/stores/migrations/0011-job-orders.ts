import type { Migration } from './migration.ts';

/** The orders in which lists of jobs are asked for, besides that in which they came. */
export const jobOrders: Migration = {
  version: 11,
  name: 'job-orders',
  async up(trx) {
    for (const column of ['updated_at', 'priority']) {
      const index = trx.schema.createIndex(`jobs_by_${column}`).on('jobs');
      await index.columns([column, 'sequence']).execute();
    }
  },
};
