import type { Migration } from './migration.ts';

/** Which process tells of which watched server, and that it is there. */
export const alertTellers: Migration = {
  version: 12,
  name: 'alert-tellers',
  async up(trx, { columns }) {
    await trx.schema
      .createTable('alert_tellers')
      .addColumn('server_id', columns.key, (column) => column.primaryKey())
      .addColumn('holder', columns.key, (column) => column.notNull())
      .addColumn('turn', columns.key, (column) => column.notNull())
      .addColumn('rules', 'text', (column) => column.notNull())
      .execute();
    await trx.schema
      .createTable('alert_beats')
      .addColumn('holder', columns.key, (column) => column.primaryKey())
      .addColumn('beat', 'bigint', (column) => column.notNull())
      .execute();
  },
};
