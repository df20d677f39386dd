import type { Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const thresholdRules: Migration = {
  version: 4,
  name: 'threshold rules',
  async up(trx, dialect) {
    await createRules(trx, dialect);
    await createStates(trx, dialect);
  },
};

async function createRules(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  // Rules of the operator have the customer '', so that their names are unique too.
  await trx.schema
    .createTable('threshold_rules')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('customer_id', columns.key, (column) => column.notNull())
    .addColumn('name', columns.key, (column) => column.notNull())
    .addColumn('definition', columns.json, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addUniqueConstraint('threshold_rules_name', ['customer_id', 'name'])
    .execute();
}

async function createStates(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  // Labels can be longer than what an index takes, so their hash stands for them in the key.
  await trx.schema
    .createTable('threshold_states')
    .addColumn('instance_id', columns.key, (column) => column.notNull())
    .addColumn('rule_id', columns.key, (column) => column.notNull())
    .addColumn('series_hash', columns.key, (column) => column.notNull())
    .addColumn('labels', columns.json, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('since_at', 'bigint', (column) => column.notNull())
    .addColumn('held_ms', 'bigint', (column) => column.notNull())
    .addColumn('noticed_at', 'bigint')
    .addColumn('saved_at', 'bigint', (column) => column.notNull())
    .addColumn('transition_id', 'text', (column) => column.notNull())
    .addColumn('violated', columns.json)
    .addColumn('failing_collectors', columns.json, (column) => column.notNull())
    .addPrimaryKeyConstraint('threshold_states_key', ['instance_id', 'rule_id', 'series_hash'])
    .execute();
}
