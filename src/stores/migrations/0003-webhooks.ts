import { sql, type Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const webhooks: Migration = {
  version: 3,
  name: 'webhooks',
  async up(trx, dialect) {
    await createWebhooks(trx, dialect);
    await createDeliveries(trx, dialect);
    await indexEvents(trx);
  },
};

async function createWebhooks(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('webhooks')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('format', columns.key, (column) => column.notNull())
    .addColumn('customer_id', columns.key)
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('event_types', columns.json, (column) => column.notNull())
    .addColumn('filter', columns.json, (column) => column.notNull())
    .addColumn('timeout_ms', 'integer', (column) => column.notNull())
    .addColumn('max_attempts', 'integer')
    .addColumn('is_enabled', 'integer', (column) => column.notNull())
    .addColumn('disabled_reason', 'text')
    .addColumn('sealed_secret', 'text')
    .addColumn('sealed_headers', 'text')
    .addColumn('header_names', columns.json, (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('resumed_at', 'bigint', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('failing_since', 'bigint')
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('last_error', 'text')
    .addColumn('delivered_at', 'bigint')
    .addColumn('leased_by', columns.key)
    .addColumn('leased_until', 'bigint', (column) => column.notNull())
    .execute();
}

async function createDeliveries(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('webhook_deliveries')
    .addColumn('webhook_id', columns.key, (column) => column.notNull())
    .addColumn('event_id', 'bigint', (column) => column.notNull())
    .addColumn('event_type', 'text', (column) => column.notNull())
    .addColumn('event_at', 'bigint', (column) => column.notNull())
    .addColumn('state', columns.key, (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('last_status', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('last_latency_ms', 'integer')
    .addColumn('answer_start', 'text')
    .addColumn('body_sha256', 'text', (column) => column.notNull())
    .addColumn('body_bytes', 'integer', (column) => column.notNull())
    .addColumn('first_attempt_at', 'bigint', (column) => column.notNull())
    .addColumn('last_attempt_at', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint')
    .addPrimaryKeyConstraint('webhook_deliveries_key', ['webhook_id', 'event_id'])
    .execute();
}

/**
 * Samples are written every second and wanted by few: whoever wants other events walks past them,
 * and whoever removes old ones finds them at once.
 */
async function indexEvents(trx: Transaction<Schema>): Promise<void> {
  for (const [name, condition] of [
    ['events_but_samples', sql<boolean>`kind <> 'metrics.sampled'`],
    ['events_samples', sql<boolean>`kind = 'metrics.sampled'`],
  ] as const) {
    await trx.schema.createIndex(name).on('events').column('id').where(condition).execute();
  }
}
