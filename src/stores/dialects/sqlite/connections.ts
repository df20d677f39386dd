/**
 * Opens a database file: one connection that writes, one that only reads. In WAL mode a reader
 * sees the last commit and waits for nobody. `synchronous=FULL` makes a commit durable before it
 * is acknowledged.
 */
import { closeSync, fchmodSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { Connections } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';
import { sqliteDialect } from './dialect.ts';
import { failureOf } from './failures.ts';
import { NodeSqliteDialect } from './node-sqlite.ts';

const BUSY_TIMEOUT_MS = 5 * SECOND_MS;
const WAL_ATTEMPTS = 10;
const OWNER_ONLY = 0o600;

export async function openSqlite(path: string, clock: Clock): Promise<Connections> {
  makePrivateFile(path);
  await using stack = new AsyncDisposableStack();
  const writer = stack.adopt(openFile(path), closeIfOpen);
  await switchToWal(writer, clock);
  writer.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${64 * MIB}`);
  const reader = stack.adopt(openFile(path), closeIfOpen);
  reader.exec('PRAGMA query_only = ON; PRAGMA cache_size = -32768');
  const owned = stack.move();
  return {
    dialect: sqliteDialect,
    reader: new Kysely<Schema>({ dialect: new NodeSqliteDialect(reader) }),
    writer: new Kysely<Schema>({ dialect: new NodeSqliteDialect(writer) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** SQLite gives its WAL and shared memory files the mode of the database file. */
function makePrivateFile(path: string): void {
  const file = openSync(path, 'a', OWNER_ONLY);
  try {
    fchmodSync(file, OWNER_ONLY);
  } finally {
    closeSync(file);
  }
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  database.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192');
  return database;
}

/** Two processes that switch a new file at once do not wait for each other, so one tries again. */
async function switchToWal(database: DatabaseSync, clock: Clock): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (thrown) {
      if (attempt === WAL_ATTEMPTS || failureOf(thrown)?.kind !== 'busy') throw thrown;
      await clock.sleep(backoffMs(attempt, 10, SECOND_MS));
    }
  }
}

function closeIfOpen(database: DatabaseSync): void {
  if (database.isOpen) database.close();
}
