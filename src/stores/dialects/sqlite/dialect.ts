import { sql } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import { failureOf } from './failures.ts';
import { givenRows, insertRows } from './given-rows.ts';

export const sqliteDialect: Dialect = {
  name: 'SQLite',
  supportsRowLocks: false,
  columns: {
    key: sql`text`,
    json: sql`text`,
    bytes: sql`blob`,
    sequence: sql`integer`,
    defineSequence: (column) => column.primaryKey().autoIncrement(),
  },
  // Every write transaction begins IMMEDIATE and so holds the one write lock there is.
  takeLock: () => Promise.resolve(),
  insertRows,
  givenRows,
  failureOf,
};
