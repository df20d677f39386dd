import { sql } from 'kysely';
import type { Dialect, LockName } from '#stores/dialects/dialect.ts';
import { failureOf } from './failures.ts';
import { givenRows, insertRows } from './given-rows.ts';

/** Advisory locks are pairs of numbers shared by all users of a database; the first is ours. */
const OUR_LOCKS = 0x0d20;
const LOCKS: Record<LockName, number> = { migrations: 1, events: 2, lanes: 3 };

export const postgresDialect: Dialect = {
  name: 'PostgreSQL',
  supportsRowLocks: true,
  columns: {
    key: sql`text collate "C"`,
    // Not jsonb: that sorts keys and refuses \u0000, and specs are answered as they were given.
    json: sql`json`,
    bytes: sql`bytea`,
    sequence: sql`bigint`,
    defineSequence: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
  },
  async takeLock(trx, name) {
    await sql`select pg_advisory_xact_lock(${OUR_LOCKS}::int, ${LOCKS[name]}::int)`.execute(trx);
  },
  insertRows,
  givenRows,
  failureOf,
};
