import type { Migration } from './migration.ts';

export const servers: Migration = {
  version: 8,
  name: 'servers',
  async up(trx, { columns }) {
    await trx.schema
      .createTable('servers')
      .addColumn('id', columns.key, (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('sources', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
