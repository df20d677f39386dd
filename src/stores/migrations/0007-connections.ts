import type { Migration } from './migration.ts';

export const connections: Migration = {
  version: 7,
  name: 'connections',
  async up(trx, { columns }) {
    await trx.schema
      .createTable('connections')
      .addColumn('name', columns.key, (column) => column.primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('url', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('datacenter', 'text')
      .addColumn('ca', 'text')
      .addColumn('thumbprint', 'text')
      .addColumn('is_insecure', 'integer', (column) => column.notNull())
      .addColumn('sealed_password', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
