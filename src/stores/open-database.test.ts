import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import type { CustomerId } from '#kernel/ids.ts';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { ADA, BOB, eventOf, newMachine } from '#test/contract/store-fixtures.ts';
import { openPostgresServer } from '#test/postgres.ts';
import { appendEvents } from './event-writer.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { openDatabase } from './open-database.ts';

const PROGRAMS = join(import.meta.dirname, '../../test/contract');
const ANY = { states: [], limit: 1000, position: { kind: 'start' } } as const;

function startProgram(name: string, url: string) {
  return spawn(process.execPath, [join(PROGRAMS, name), url], { stdio: ['pipe', 'pipe', 'pipe'] });
}

for (const dialect of DIALECTS) {
  describe(`a database on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);

    it('can be opened by several processes in the same moment when it is still empty', async () => {
      const url = await createUrl();
      const programs = Array.from({ length: 3 }, () => startProgram('open-and-close.ts', url));
      const errors = programs.map(({ stderr }) => text(stderr));
      await Promise.all(programs.map(({ stdout }) => once(stdout, 'data')));
      const ended = programs.map((program) => once(program, 'close'));
      for (const { stdin } of programs) stdin.end('go\n');
      assert.deepEqual(await Promise.all(errors), ['', '', '']);
      assert.deepEqual(await Promise.all(ended), [
        [0, null],
        [0, null],
        [0, null],
      ]);
    });

    it('refuses to open with a schema newer than the program, naming both versions', async () => {
      const url = await createUrl();
      {
        await using stores = await openStoresAt(url);
        const later = { version: 999, name: 'from the future', applied_at: 1 };
        await stores.database.write((trx) =>
          trx.insertInto('schema_migrations').values(later).execute(),
        );
      }
      await assert.rejects(openDatabase({ url }), {
        kind: 'failed_precondition',
        reason: 'SCHEMA_TOO_NEW',
        message: new RegExp(`schema version 999, .* up to ${MIGRATIONS.length}`),
      });
    });

    it('still holds every machine that was acknowledged before a kill -9', async () => {
      const url = await createUrl();
      const program = startProgram('insert-until-killed.ts', url);
      const acknowledged: string[] = [];
      for await (const line of createInterface(program.stdout)) {
        acknowledged.push(line);
        if (acknowledged.length === 30) program.kill('SIGKILL');
      }
      assert.ok(acknowledged.length >= 30);
      await using stores = await openStoresAt(url);
      const { machines, total } = await stores.machines.list(ANY);
      const stored = new Set<string>(machines.map(({ id }) => id));
      assert.deepEqual(
        acknowledged.filter((id) => !stored.has(id)),
        [],
      );
      assert.equal(total, machines.length);
      const events = await stores.events.read({ afterId: 0, limit: 10_000 });
      assert.deepEqual(new Set(events.map(({ event }) => event.machineId)), stored);
      const addresses = machines.flatMap(({ leases }) => leases.map(({ address }) => address));
      assert.equal(new Set(addresses).size, stored.size);
    });

    it('answers reads while write transactions stand still', async () => {
      await using stores = await openStoresAt(await createUrl());
      const { machines, events, database } = stores;
      const { id } = await machines.insert(newMachine('one'));
      const gate = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const slow = database.write(async (trx) => {
        await trx.updateTable('machines').set({ state_message: 'new' }).execute();
        begun.resolve();
        await gate.promise;
      });
      await begun.promise;
      const waiting = Array.from({ length: 20 }, () =>
        machines.update(id, { stateReason: 'x', updatedAt: 1 }, []),
      );
      assert.equal((await machines.get(id))?.stateMessage, 'as asked');
      assert.equal((await machines.list(ANY)).total, 1);
      assert.equal((await events.read({ afterId: 0, limit: 9 })).length, 1);
      gate.resolve();
      await Promise.all([slow, ...waiting]);
      assert.equal((await machines.get(id))?.stateMessage, 'new');
    });
  });
}

describe('a database on SQLite', () => {
  const createUrl = useDatabases('SQLite');

  it('is readable by its owner only, with all its files', async () => {
    const url = await createUrl();
    await using stores = await openStoresAt(url);
    await stores.machines.insert(newMachine('one'));
    const path = url.slice('sqlite:'.length);
    for (const name of [path, `${path}-wal`, `${path}-shm`]) {
      assert.equal(statSync(name).mode & 0o777, 0o600, name);
    }
  });

  it('survives a power cut after each commit: it syncs in full', async () => {
    await using stores = await openStoresAt(await createUrl());
    const pragma = (name: string) =>
      stores.database.write(async (trx) => (await sql.raw(`PRAGMA ${name}`).execute(trx)).rows[0]);
    assert.deepEqual({ ...((await pragma('synchronous')) as object) }, { synchronous: 2 });
    assert.deepEqual({ ...((await pragma('journal_mode')) as object) }, { journal_mode: 'wal' });
    assert.deepEqual({ ...((await pragma('foreign_keys')) as object) }, { foreign_keys: 1 });
  });

  it('cannot be opened where there is no directory, and says so', async () => {
    await assert.rejects(openDatabase({ url: `${await createUrl()}/no/such/file.db` }), {
      kind: 'unavailable',
      reason: 'DATABASE_UNAVAILABLE',
    });
  });
});

describe('a database on PostgreSQL', () => {
  const createUrl = useDatabases('PostgreSQL');

  it('runs a transaction again that lost against another one', async () => {
    await using stores = await openStoresAt(await createUrl());
    const { database, machines } = stores;
    const limits = { maxMachines: 1, maxVcpus: 1, maxMemoryMib: 1 };
    await machines.setQuota(ADA, limits);
    await machines.setQuota(BOB, limits);
    let attempts = 0;
    const bothHoldOne = Promise.withResolvers<void>();
    const addTo = (first: CustomerId, second: CustomerId) =>
      database.write(async (trx) => {
        const add = (id: CustomerId) =>
          trx
            .updateTable('customers')
            .set((eb) => ({ max_vcpus: eb('max_vcpus', '+', 1) }))
            .where('id', '=', id)
            .execute();
        await add(first);
        attempts += 1;
        if (attempts === 2) bothHoldOne.resolve();
        await bothHoldOne.promise;
        await add(second);
      });
    await Promise.all([addTo(ADA, BOB), addTo(BOB, ADA)]);
    assert.equal(attempts, 3);
    assert.equal((await machines.quota(ADA))?.maxVcpus, 3);
    assert.equal((await machines.quota(BOB))?.maxVcpus, 3);
  });

  it('lets nobody write events before who began to has committed', async () => {
    await using stores = await openStoresAt(await createUrl());
    const { database } = stores;
    const at = 1000;
    const write = (name: string, then: () => Promise<void>) =>
      database.write(async (trx) => {
        await sql`set local lock_timeout = '100ms'`.execute(trx);
        const events = [eventOf('machine.created', name)];
        await appendEvents(trx, database.dialect, { at, events });
        await then();
      });
    const done = () => Promise.resolve();
    await write('first', async () => {
      await assert.rejects(write('second', done), { reason: 'DATABASE_BUSY' });
    });
    await write('third', done);
    const recorded = await stores.events.read({ afterId: 0, limit: 9 });
    assert.deepEqual(
      recorded.map(({ event }) => event.machineId),
      ['first', 'third'],
    );
  });

  it('says that it is unavailable while its server is away, and works again after', async () => {
    const server = await openPostgresServer();
    await using stores = await openStoresAt(server.url);
    await stores.machines.insert(newMachine('one'));
    // Ends the connections of the pools under their hands.
    await stores.database.write(async (trx) => {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'drover' and pid <> pg_backend_pid()`.execute(trx);
    });
    await untilWorking(() => stores.machines.insert(newMachine('two')));
    await untilWorking(() => stores.machines.list(ANY));
    await server[Symbol.asyncDispose]();
    const away = { kind: 'unavailable', reason: 'DATABASE_UNAVAILABLE' };
    await assert.rejects(stores.machines.insert(newMachine('three')), away);
    await assert.rejects(stores.machines.list(ANY), away);
    await assert.rejects(openDatabase({ url: server.url }), away);
  });
});

/** A broken connection may be noticed only by the call that uses it; the next gets a new one. */
async function untilWorking(call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      await call();
      return;
    } catch (thrown) {
      assert.ok(thrown instanceof Error && 'reason' in thrown);
      assert.equal(thrown.reason, 'DATABASE_UNAVAILABLE');
    }
  }
  assert.fail('the database did not come back');
}

describe('a database url', () => {
  it('is refused when it names neither kind, without being repeated', async () => {
    for (const url of ['mysql://root:secret@host/x', '', 'sqlite:', 'drover.db']) {
      await assert.rejects(openDatabase({ url }), (thrown: Error) => {
        assert.match(thrown.message, /^database: must be sqlite:PATH or postgres:/);
        assert.doesNotMatch(thrown.message, /secret/);
        return true;
      });
    }
  });
});
