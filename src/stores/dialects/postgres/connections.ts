/** Opens two pools: reads never queue behind write transactions that wait for each other. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Log } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Connections } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import { postgresDialect } from './dialect.ts';

const MOST_READERS = 8;
const MOST_WRITERS = 8;

/** Type ids of PostgreSQL. Sums of bigint come as numeric. Ours all stay below 2^53. */
const INT8 = 20;
const JSON_TEXT = 114;
const NUMERIC = 1700;

export function openPostgres(url: string, log: Log): Connections {
  const reader = openPool(url, MOST_READERS, log);
  const writer = openPool(url, MOST_WRITERS, log);
  return {
    dialect: postgresDialect,
    reader: new Kysely<Schema>({ dialect: new PostgresDialect({ pool: reader }) }),
    writer: new Kysely<Schema>({ dialect: new PostgresDialect({ pool: writer }) }),
    async [Symbol.asyncDispose]() {
      await Promise.all([reader.end(), writer.end()]);
    },
  };
}

function openPool(url: string, max: number, log: Log): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    // Else the planner takes a thousand look-ups by key to cost more than reading a whole table,
    // which was so when disks had to turn.
    options: '-c random_page_cost=1.1',
    max,
    application_name: 'drover',
    connectionTimeoutMillis: 5 * SECOND_MS,
    idleTimeoutMillis: 30 * SECOND_MS,
    statement_timeout: 30 * SECOND_MS,
    idle_in_transaction_session_timeout: 30 * SECOND_MS,
    keepAlive: true,
    types: { getTypeParser },
  });
  // Without a listener a connection that breaks while nobody uses it would end the process.
  pool.on('error', (error) => log.warn({ error }, 'a database connection broke; it is replaced'));
  return pool;
}

const getTypeParser: typeof pg.types.getTypeParser = (id: number, format?: 'text' | 'binary') => {
  if (id === INT8 || id === NUMERIC) return Number;
  if (id === JSON_TEXT) return String;
  return format === 'binary' ? pg.types.getTypeParser(id, 'binary') : pg.types.getTypeParser(id);
};
