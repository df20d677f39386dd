import { sql, type Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const schedules: Migration = {
  version: 6,
  name: 'schedules',
  async up(trx, dialect) {
    await createSchedules(trx, dialect);
    await createRuns(trx, dialect);
  },
};

async function createSchedules(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('schedules')
    .addColumn('id', columns.key, (column) => column.primaryKey())
    .addColumn('name', columns.key, (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('schedule', 'text', (column) => column.notNull())
    .addColumn('timezone', 'text', (column) => column.notNull())
    .addColumn('is_enabled', 'integer', (column) => column.notNull())
    .addColumn('template', columns.json, (column) => column.notNull())
    .addColumn('missed', 'text', (column) => column.notNull())
    .addColumn('overlap', 'text', (column) => column.notNull())
    .addColumn('jitter_ms', 'integer', (column) => column.notNull())
    .addColumn('tags', columns.json, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('next_due_at', 'bigint')
    .addColumn('next_run_at', 'bigint')
    .addColumn('last_due_at', 'bigint')
    .addColumn('last_run_at', 'bigint')
    .addColumn('run_count', 'bigint', (column) => column.notNull())
    .addColumn('successful_runs', 'bigint', (column) => column.notNull())
    .addColumn('failed_runs', 'bigint', (column) => column.notNull())
    .execute();
  // Disabled ones have no next run, and are not in it.
  await trx.schema
    .createIndex('schedules_next_run')
    .on('schedules')
    .column('next_run_at')
    .where(sql<boolean>`next_run_at is not null`)
    .execute();
}

async function createRuns(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('schedule_runs')
    .addColumn('sequence', columns.sequence, columns.defineSequence)
    .addColumn('schedule_id', columns.key, (column) => column.notNull())
    .addColumn('job_id', columns.key, (column) => column.notNull().unique())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('is_manual', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('is_open', 'integer', (column) => column.notNull())
    .addColumn('claimed_at', 'bigint')
    .addColumn('started_at', 'bigint')
    .addColumn('submitted_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('message', 'text')
    .execute();
  await trx.schema
    .createIndex('schedule_runs_of_schedule')
    .on('schedule_runs')
    .columns(['schedule_id', 'sequence'])
    .execute();
  // What has not ended is little, and asked for at every look.
  await trx.schema
    .createIndex('schedule_runs_open')
    .on('schedule_runs')
    .columns(['schedule_id', 'sequence'])
    .where(sql<boolean>`is_open = 1`)
    .execute();
}
