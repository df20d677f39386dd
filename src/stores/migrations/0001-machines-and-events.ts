import { sql, type Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const machinesAndEvents: Migration = {
  version: 1,
  name: 'machines and events',
  async up(trx, dialect) {
    await createMachines(trx, dialect);
    await indexMachines(trx);
    await createCustomers(trx, dialect);
    await createAddresses(trx, dialect);
    await createIntents(trx, dialect);
    await createEvents(trx, dialect);
    await createTokens(trx, dialect);
    await createSettings(trx, dialect);
  },
};

async function createMachines(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('machines')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('customer_id', columns.key, (column) => column.notNull())
    .addColumn('host_id', columns.key, (column) => column.notNull())
    .addColumn('spec', columns.json, (column) => column.notNull())
    .addColumn('state', columns.key, (column) => column.notNull())
    .addColumn('state_reason', 'text', (column) => column.notNull())
    .addColumn('state_message', 'text', (column) => column.notNull())
    .addColumn('state_changed_at', 'bigint', (column) => column.notNull())
    .addColumn('is_deleting', 'integer', (column) => column.notNull())
    .addColumn('process', columns.json)
    .addColumn('booted_at', 'bigint')
    .addColumn('leases', columns.json, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
}

/** One index for each way of listing: every page is a walk along one of them. */
async function indexMachines(trx: Transaction<Schema>): Promise<void> {
  const newestFirst = ['created_at desc', 'id desc'];
  const indexes: Record<string, string[]> = {
    machines_of_customer: ['customer_id', ...newestFirst],
    machines_of_customer_in_state: ['customer_id', 'state', ...newestFirst],
    machines_of_all: newestFirst,
    machines_of_all_in_state: ['state', ...newestFirst],
    machines_of_host: ['host_id', 'id'],
  };
  for (const [name, columns] of Object.entries(indexes)) {
    await trx.schema.createIndex(name).on('machines').columns(columns).execute();
  }
}

async function createCustomers(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  // Limits are floating point because no limit is Infinity.
  await trx.schema
    .createTable('customers')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('max_machines', 'double precision')
    .addColumn('max_vcpus', 'double precision')
    .addColumn('max_memory_mib', 'double precision')
    .execute();
  await trx.schema
    .createTable('machine_counts')
    .addColumn('customer_id', columns.key, (column) => column.notNull())
    .addColumn('state', columns.key, (column) => column.notNull())
    .addColumn('machines', 'bigint', (column) => column.notNull())
    .addColumn('vcpus', 'bigint', (column) => column.notNull())
    .addColumn('memory_mib', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('machine_counts_key', ['customer_id', 'state'])
    .execute();
}

async function createAddresses(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  // Leases are written before their machine, in one transaction, so the check comes at its end.
  await trx.schema
    .createTable('address_leases')
    .addColumn('network', columns.key, (column) => column.notNull())
    .addColumn('address_key', columns.key, (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('machine_id', columns.key, (column) => column.notNull())
    .addColumn('nic_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('address_leases_key', ['network', 'address_key'])
    .addForeignKeyConstraint('address_leases_machine', ['machine_id'], 'machines', ['id'], (key) =>
      key.deferrable().initiallyDeferred(),
    )
    .execute();
  await trx.schema
    .createIndex('address_leases_of_machine')
    .on('address_leases')
    .column('machine_id')
    .execute();
  await trx.schema
    .createTable('address_cursors')
    .addColumn('network', columns.key, (column) => column.notNull())
    .addColumn('family', 'integer', (column) => column.notNull())
    .addColumn('last_address', 'text')
    .addPrimaryKeyConstraint('address_cursors_key', ['network', 'family'])
    .execute();
}

async function createIntents(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('machine_intents')
    .addColumn('sequence', columns.sequence, columns.defineSequence)
    .addColumn('id', columns.key, (column) => column.notNull().unique())
    .addColumn('machine_id', columns.key, (column) => column.notNull())
    .addColumn('host_id', columns.key, (column) => column.notNull())
    .addColumn('command', columns.json, (column) => column.notNull())
    .addColumn('status', columns.key, (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('is_cancel_requested', 'integer', (column) => column.notNull())
    .addColumn('outcome', columns.json)
    .execute();
  // The pending ones are few and asked for all the time; the ended ones only to prune them.
  await trx.schema
    .createIndex('machine_intents_pending_of_host')
    .on('machine_intents')
    .columns(['host_id', 'sequence'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute();
  await trx.schema
    .createIndex('machine_intents_pending_of_machine')
    .on('machine_intents')
    .columns(['machine_id', 'sequence'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute();
  await trx.schema
    .createIndex('machine_intents_ended')
    .on('machine_intents')
    .column('ended_at')
    .where('ended_at', 'is not', null)
    .execute();
}

async function createEvents(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('events')
    .addColumn('id', columns.sequence, columns.defineSequence)
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('customer_id', columns.key, (column) => column.notNull())
    .addColumn('machine_id', columns.key, (column) => column.notNull())
    .addColumn('body', columns.json, (column) => column.notNull())
    .execute();
  for (const owner of ['customer', 'machine'] as const) {
    await trx.schema
      .createIndex(`events_of_${owner}`)
      .on('events')
      .columns([`${owner}_id`, 'id'])
      .execute();
  }
}

async function createTokens(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('tokens')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', columns.key, (column) => column.notNull().unique())
    .addColumn('customer_id', columns.key)
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .execute();
}

async function createSettings(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('settings')
    .addColumn('name', columns.key, (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
}
