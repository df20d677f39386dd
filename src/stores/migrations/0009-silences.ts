import type { Migration } from './migration.ts';

export const silences: Migration = {
  version: 9,
  name: 'silences',
  async up(trx, { columns }) {
    await trx.schema
      .createTable('silences')
      .addColumn('id', columns.key, (column) => column.primaryKey())
      .addColumn('matchers', 'text', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .execute();
  },
};
