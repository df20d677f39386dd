/**
 * Brings a database forward to the schema this program knows. All of it is one transaction under
 * a lock: of two processes that start at once, the second finds the work done.
 */
import type { Transaction } from 'kysely';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Database } from './database.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import type { Schema } from './schema.ts';

export async function migrate(database: Database, clock: Clock): Promise<void> {
  const { dialect } = database;
  await database.write(async (trx) => {
    await dialect.takeLock(trx, 'migrations');
    await trx.schema
      .createTable('schema_migrations')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('applied_at', 'bigint', (column) => column.notNull())
      .execute();
    const current = await currentVersion(trx);
    const known = MIGRATIONS.at(-1)?.version ?? 0;
    if (current > known) throw tooNewError(current, known);
    for (const { version, name, up } of MIGRATIONS) {
      if (version <= current) continue;
      await up(trx, dialect);
      const row = { version, name, applied_at: clock.nowMs() };
      await trx.insertInto('schema_migrations').values(row).execute();
    }
  });
}

async function currentVersion(trx: Transaction<Schema>): Promise<number> {
  const row = await trx
    .selectFrom('schema_migrations')
    .select((eb) => eb.fn.max('version').as('version'))
    .executeTakeFirst();
  return row?.version ?? 0;
}

function tooNewError(current: number, known: number): DroverError {
  return new DroverError(
    'failed_precondition',
    `the database has schema version ${current}, and this program knows versions up to ${known}: ` +
      'start a newer Drover, or restore a backup from before the upgrade',
    {
      reason: 'SCHEMA_TOO_NEW',
      metadata: { schema_version: String(current), known_version: String(known) },
    },
  );
}
