import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { sql } from 'kysely';
import type { OpenStores } from '#test/contract/databases.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { leaseRequest, newMachine, specOf } from '#test/contract/store-fixtures.ts';

const ANY = { states: [], limit: 1000, position: { kind: 'start' } } as const;

/** Creates until it is refused, and answers how many there are then. */
async function fill({ machines }: OpenStores, start = 0): Promise<number> {
  const spec = { ...specOf(), given: 'x'.repeat(20_000) };
  for (let count = start; count < start + 1000; count += 1) {
    const leases = [leaseRequest({ lastAddress: '10.1.255.255' })];
    try {
      await machines.insert(newMachine(`m${count}`, { spec, leases }));
    } catch (thrown) {
      assert.ok(thrown instanceof Error && 'reason' in thrown);
      assert.equal(thrown.reason, 'STORAGE_FULL');
      return count;
    }
  }
  throw new Error('the disk never filled up');
}

async function assertWhole({ machines, events }: OpenStores, count: number): Promise<void> {
  const page = await machines.list(ANY);
  assert.equal(page.machines.length, count);
  assert.equal(page.total, count);
  const recorded = await events.read({ afterId: 0, limit: 10_000 });
  assert.equal(recorded.length, count);
  assert.equal((await machines.usage(newMachine('x').customerId)).machines, count);
}

describe('a database whose disk is full', () => {
  const createUrl = useDatabases('SQLite');

  it('refuses changes, keeps nothing half-written, and goes on when there is room', async () => {
    await using stores = await openStoresAt(await createUrl());
    await limitPages(stores, 200);
    const count = await fill(stores);
    assert.ok(count > 5);
    await assertWhole(stores, count);
    await limitPages(stores, 400);
    const more = await fill(stores, count);
    assert.ok(more > count);
    await assertWhole(stores, more);
  });

  it('does so on a file system that really is full', async (t) => {
    using disk = mountSmallDisk(t);
    if (disk === undefined) return;
    await using stores = await openStoresAt(`sqlite:${join(disk.path, 'drover.db')}`);
    const ballast = join(disk.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(256 * 1024));
    const count = await fill(stores);
    await assertWhole(stores, count);
    rmSync(ballast);
    const more = await fill(stores, count);
    assert.ok(more > count);
    await assertWhole(stores, more);
  });
});

async function limitPages({ database }: OpenStores, pages: number): Promise<void> {
  await database.write((trx) => sql.raw(`PRAGMA max_page_count = ${pages}`).execute(trx));
}

function mountSmallDisk(t: TestContext): (Disposable & { readonly path: string }) | undefined {
  const path = mkdtempSync(join(tmpdir(), 'drover-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'pipe' });
  } catch (thrown) {
    rmSync(path, { recursive: true });
    t.skip(`needs the right to mount a tmpfs: ${String(thrown).split('\n')[0]}`);
    return undefined;
  }
  return {
    path,
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]);
      rmSync(path, { recursive: true });
    },
  };
}
