import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import pg from 'pg';
import { openPostgres, openPostgresServer } from './postgres.ts';

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** The server says why before it hangs up, so more than one error may come before the end. */
async function untilCut(client: pg.Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.on('error', () => undefined);
  client.once('end', resolve);
  await promise;
}

async function tableNames(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query<{ tablename: string }>(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
  );
  return rows.map((row) => row.tablename);
}

describe('openPostgres', () => {
  it('gives every caller an empty database of its own', async () => {
    await using first = await openPostgres();
    await using second = await openPostgres();
    const inFirst = await connect(first.url);
    const inSecond = await connect(second.url);
    await inFirst.query('CREATE TABLE only_here (id integer)');
    assert.deepEqual(await tableNames(inFirst), ['only_here']);
    assert.deepEqual(await tableNames(inSecond), []);
    await inFirst.end();
    await inSecond.end();
  });

  it('ends the connections that a test left open, and is gone afterwards', async () => {
    const postgres = await openPostgres();
    const forgotten = await connect(postgres.url);
    const cut = untilCut(forgotten);
    await postgres[Symbol.asyncDispose]();
    await cut;
    await assert.rejects(connect(postgres.url));
  });

  it('lets nobody in without the password', async () => {
    await using postgres = await openPostgres();
    const url = new URL(postgres.url);
    url.password = 'guess';
    await assert.rejects(connect(url.href), /password authentication failed/);
  });
});

describe('openPostgresServer', () => {
  it('starts a server that dies with the process that started it', async () => {
    const path = JSON.stringify(join(import.meta.dirname, 'postgres.ts'));
    const script = `
      import { openPostgresServer } from ${path};
      console.log((await openPostgresServer()).url);
    `;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(createInterface(owner.stdout), 'line')) as [string];
    const client = await connect(url);
    const { rows } = await client.query<{ dir: string }>(
      "SELECT current_setting('data_directory') AS dir",
    );
    const cut = untilCut(client);
    owner.kill('SIGKILL');
    await cut;
    await assert.rejects(connect(url));
    await rm(dirname(rows[0]?.dir ?? ''), { recursive: true });
  });

  it('serves two at once on different ports', async () => {
    await using first = await openPostgresServer();
    await using second = await openPostgresServer();
    assert.notEqual(new URL(first.url).port, new URL(second.url).port);
  });
});
