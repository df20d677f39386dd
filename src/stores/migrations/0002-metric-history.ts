import type { Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const metricHistory: Migration = {
  version: 2,
  name: 'metric history',
  async up(trx, dialect) {
    await createHosts(trx, dialect);
    await createSeries(trx, dialect);
    await createPacks(trx, dialect);
  },
};

async function createHosts(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('metric_hosts')
    .addColumn('host_id', columns.key, (column) => column.primaryKey())
    .addColumn('epoch', 'text', (column) => column.notNull())
    .addColumn('sealed_through', 'bigint', (column) => column.notNull())
    .addColumn('rolled_through', 'bigint', (column) => column.notNull())
    .execute();
}

async function createSeries(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('metric_families')
    .addColumn('host_id', columns.key, (column) => column.notNull())
    .addColumn('name', columns.key, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('help', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_families_key', ['host_id', 'name'])
    .execute();
  await trx.schema
    .createTable('metric_series')
    .addColumn('host_id', columns.key, (column) => column.notNull())
    .addColumn('id', 'bigint', (column) => column.notNull())
    .addColumn('name', columns.key, (column) => column.notNull())
    .addColumn('labels', columns.json, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addPrimaryKeyConstraint('metric_series_key', ['host_id', 'id'])
    .execute();
}

async function createPacks(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  // The bytes come last: what is in front of them is then read without them.
  await trx.schema
    .createTable('metric_packs')
    .addColumn('host_id', columns.key, (column) => column.notNull())
    .addColumn('resolution_ms', 'bigint', (column) => column.notNull())
    .addColumn('cut', 'bigint', (column) => column.notNull())
    .addColumn('part', 'integer', (column) => column.notNull())
    .addColumn('first_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_ms', 'bigint', (column) => column.notNull())
    .addColumn('first_series', 'bigint', (column) => column.notNull())
    .addColumn('last_series', 'bigint', (column) => column.notNull())
    .addColumn('samples', 'bigint', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('bytes', columns.bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_packs_key', ['host_id', 'resolution_ms', 'cut', 'part'])
    .execute();
  // Both reading and removing go by when a pack ends; the rest spares looking into the table, whose
  // rows are large, to choose packs and to add them up.
  await trx.schema
    .createIndex('metric_packs_by_end')
    .on('metric_packs')
    .columns([
      ...['host_id', 'resolution_ms', 'last_ms', 'first_ms', 'cut', 'part'],
      ...['first_series', 'last_series', 'samples', 'size_bytes'],
    ])
    .execute();
}
