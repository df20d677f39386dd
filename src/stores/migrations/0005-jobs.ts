import { sql, type Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import type { Migration } from './migration.ts';

export const jobs: Migration = {
  version: 5,
  name: 'jobs',
  async up(trx, dialect) {
    await createJobs(trx, dialect);
    await indexJobs(trx);
    await createCompanions(trx, dialect);
    await narrowEventIndexes(trx);
  },
};

async function createJobs(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('jobs')
    .addColumn('sequence', columns.sequence, columns.defineSequence)
    .addColumn('id', columns.key, (column) => column.notNull())
    .addColumn('kind', columns.key, (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('spec', columns.json, (column) => column.notNull())
    .addColumn('content_hash', 'text')
    .addColumn('sealed_secrets', 'text')
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('lanes', columns.json, (column) => column.notNull())
    .addColumn('lane_set', columns.key, (column) => column.notNull())
    .addColumn('batch_id', columns.key)
    .addColumn('schedule_id', columns.key)
    .addColumn('state', columns.key, (column) => column.notNull())
    .addColumn('is_cancel_requested', 'integer', (column) => column.notNull())
    .addColumn('rank', 'integer', (column) => column.notNull())
    .addColumn('is_due', 'integer', (column) => column.notNull())
    .addColumn('run_after', 'bigint', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('max_attempts', 'integer', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('losses', 'integer', (column) => column.notNull())
    .addColumn('progress', columns.json)
    .addColumn('error', columns.json)
    .addColumn('result', columns.json)
    .addColumn('controls', columns.json, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('leased_by', columns.key)
    .addColumn('leased_until', 'bigint', (column) => column.notNull())
    .addColumn('history_count', 'integer', (column) => column.notNull())
    .addColumn('started_sequence', 'integer')
    .addUniqueConstraint('jobs_id', ['id'])
    .execute();
}

/**
 * Each index that a row is in is written whenever the job goes on. So those that serve the runners
 * hold only what they look for, and no job is in two of them at a time.
 */
async function indexJobs(trx: Transaction<Schema>): Promise<void> {
  const isReady = "state = 'pending' and is_due = 1";
  const indexes = [
    ['jobs_ready', ['rank', 'sequence'], `${isReady} and lane_set = ''`],
    ['jobs_ready_in_lanes', ['lane_set', 'rank', 'sequence'], `${isReady} and lane_set <> ''`],
    ['jobs_later', ['run_after'], "state = 'pending' and is_due = 0"],
    ['jobs_running', ['leased_by'], "state = 'running'"],
    ['jobs_unfinished', ['sequence'], "state in ('failed', 'cancelled')"],
    ['jobs_batch', ['batch_id', 'sequence'], 'batch_id is not null'],
    ['jobs_schedule', ['schedule_id', 'sequence'], 'schedule_id is not null'],
  ] as const;
  for (const [name, columns, condition] of indexes) {
    const index = trx.schema
      .createIndex(name)
      .on('jobs')
      .columns([...columns]);
    await index.where(sql.raw<boolean>(condition)).execute();
  }
}

async function createCompanions(trx: Transaction<Schema>, { columns }: Dialect): Promise<void> {
  await trx.schema
    .createTable('job_counts')
    .addColumn('state', columns.key, (column) => column.primaryKey())
    .addColumn('jobs', 'bigint', (column) => column.notNull())
    .execute();
  await trx.schema
    .createTable('job_checkpoints')
    .addColumn('job_id', columns.key, (column) => column.primaryKey())
    .addColumn('checkpoint', columns.json, (column) => column.notNull())
    .addColumn('saved_at', 'bigint', (column) => column.notNull())
    .execute();
  await trx.schema
    .createTable('job_lanes')
    .addColumn('lane', columns.key, (column) => column.notNull())
    .addColumn('job_id', columns.key, (column) => column.notNull())
    .addPrimaryKeyConstraint('job_lanes_key', ['lane', 'job_id'])
    .execute();
  await trx.schema.createIndex('job_lanes_job').on('job_lanes').column('job_id').execute();
  await trx.schema
    .createTable('job_history')
    .addColumn('job_id', columns.key, (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', columns.key, (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('job_history_key', ['job_id', 'sequence'])
    .execute();
  await trx.schema
    .createTable('job_logs')
    .addColumn('job_id', columns.key, (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('level', columns.key, (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('end_bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('job_logs_key', ['job_id', 'sequence'])
    .execute();
}

/** Events of jobs are many, and nobody's: they need not stand among those of customers. */
async function narrowEventIndexes(trx: Transaction<Schema>): Promise<void> {
  for (const [name, column] of [
    ['events_of_customer', 'customer_id'],
    ['events_of_machine', 'machine_id'],
  ] as const) {
    await trx.schema.dropIndex(name).execute();
    const index = trx.schema.createIndex(name).on('events').columns([column, 'id']);
    await index.where(sql.raw<boolean>(`${column} <> ''`)).execute();
  }
}
