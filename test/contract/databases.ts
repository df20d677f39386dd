/** Empty databases of either kind, for suites that run over both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import pg from 'pg';
import { EventSignal } from '#events/event-signal.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { createStores, type Stores } from '#stores/create-stores.ts';
import type { Database } from '#stores/database.ts';
import { openDatabase } from '#stores/open-database.ts';
import { openPostgres, type TestPostgres } from '#test/postgres.ts';

export const DIALECTS = ['SQLite', 'PostgreSQL'] as const;
export type DialectName = (typeof DIALECTS)[number];

export interface OpenStores extends Stores, AsyncDisposable {
  readonly url: string;
  readonly database: Database;
  readonly clock: FakeClock;
  readonly eventSignal: EventSignal;
}

interface DatabaseSource extends AsyncDisposable {
  createUrl(): Promise<string>;
}

/** Call inside `describe`. Each call of what it returns names a database that holds nothing. */
export function useDatabases(dialect: DialectName): () => Promise<string> {
  let source: DatabaseSource | undefined;
  before(async () => {
    source = await (dialect === 'SQLite' ? openFiles() : openServer());
  });
  after(() => source?.[Symbol.asyncDispose]());
  return () => {
    if (source === undefined) throw new Error('databases are there only while tests run');
    return source.createUrl();
  };
}

export async function openStoresAt(url: string): Promise<OpenStores> {
  const database = await openDatabase({ url });
  const clock = new FakeClock();
  const eventSignal = new EventSignal();
  return {
    ...createStores(database, { clock, eventSignal }),
    ...{ url, database, clock, eventSignal },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

async function openFiles(): Promise<DatabaseSource> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-stores-'));
  let count = 0;
  return {
    createUrl: () => Promise.resolve(`sqlite:${join(directory, `${(count += 1)}.db`)}`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

async function openServer(): Promise<DatabaseSource> {
  const postgres = await openPostgres();
  const names: string[] = [];
  return {
    async createUrl() {
      const url = new URL(postgres.url);
      url.pathname = `${url.pathname}_${names.length + 1}`;
      const name = url.pathname.slice(1);
      await query(postgres, `CREATE DATABASE ${name}`);
      names.push(name);
      return url.href;
    },
    async [Symbol.asyncDispose]() {
      for (const name of names) await query(postgres, `DROP DATABASE ${name} WITH (FORCE)`);
      await postgres[Symbol.asyncDispose]();
    },
  };
}

async function query({ url }: TestPostgres, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
