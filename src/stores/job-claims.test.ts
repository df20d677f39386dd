import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { openStoresAt, useDatabases, type OpenStores } from '#test/contract/databases.ts';
import { jobRequest, testSecretBox } from '#test/job-fixture.ts';
import { makeJob } from '#jobs/new-job.ts';

const MANY = 100_000;
const NOW = 1_800_000_000_000;

/** Copies of one job: all in a lane that is full, and younger than them a few that may run. */
async function crowd({ jobs, database }: OpenStores, many: number): Promise<void> {
  const making = { secretBox: testSecretBox, nowMs: NOW, kinds: new Set(['test']), path: '' };
  const blocked = jobRequest({ lanes: ['vcenter:full'], priority: 9 });
  await jobs.submit([makeJob(blocked, making)], many);
  const columns = sql.raw(
    'kind, subject, spec, priority, lanes, lane_set, state, is_cancel_requested, rank, is_due, ' +
      'run_after, attempt, max_attempts, failures, losses, controls, created_at, updated_at, ' +
      'leased_until, history_count',
  );
  await database.write(async (trx) => {
    await sql`insert into jobs (id, ${columns})
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${many})
      select 'copy-' || n, ${columns} from jobs, numbers`.execute(trx);
  });
  const open = [{ lanes: ['vcenter:open'] }, { lanes: ['vcenter:open'] }, {}, {}];
  await jobs.submit(
    open.map((choices) => makeJob(jobRequest(choices), making)),
    many,
  );
}

async function claim({ jobs }: OpenStores, at: number): Promise<readonly string[]> {
  const order = { kinds: ['test'], most: 3, mostAhead: 0, isCleanUpOnly: false, leaseMs: 1000 };
  const claimed = { ...order, lanes: { vcenter: 1 } };
  const turn = { holder: 'host-1/a', at, settled: [], claim: claimed };
  const { claims } = await jobs.turn(turn);
  return claims.map(({ job }) => job.lanes.join());
}

async function claimTwice(stores: OpenStores): Promise<void> {
  assert.deepEqual(await claim(stores, NOW), ['vcenter:full', 'vcenter:open', '']);
  assert.deepEqual(await claim(stores, NOW), ['']);
  assert.deepEqual(await claim(stores, NOW), []);
}

describe('a claim among very many pending jobs', () => {
  describe('on PostgreSQL', () => {
    const createUrl = useDatabases('PostgreSQL');

    it('reads a handful of rows, however many wait for a full lane', async () => {
      const url = await createUrl();
      {
        await using stores = await openStoresAt(url);
        await crowd(stores, MANY);
        await stores.database.write((trx) => sql`analyze jobs`.execute(trx));
      }
      const before = await rowsRead(url);
      {
        await using stores = await openStoresAt(url);
        await claimTwice(stores);
      }
      const read = (await rowsRead(url)) - before;
      assert.ok(read > 0 && read < 500, `${read} rows were read`);
    });

    /** What connections have counted is there when they have ended. */
    async function rowsRead(url: string): Promise<number> {
      await using stores = await openStoresAt(url);
      const { rows } = await stores.database.read((db) =>
        sql<{ read: number }>`
          select seq_tup_read + idx_tup_fetch as read
          from pg_stat_user_tables where relname = 'jobs'`.execute(db),
      );
      return rows[0]?.read ?? Number.NaN;
    }
  });

  describe('on SQLite', () => {
    const createUrl = useDatabases('SQLite');

    it('finds each row by an index', async (t) => {
      const url = await createUrl();
      const statements = new Set<string>();
      await using stores = await openStoresAt(url);
      await crowd(stores, 100);
      const prepares = t.mock.method(DatabaseSync.prototype, 'prepare');
      await claimTwice(stores);
      prepares.mock.restore();
      for (const { arguments: given } of prepares.mock.calls) statements.add(given[0]);
      using file = new DatabaseSync(url.slice('sqlite:'.length));
      const steps = [...statements]
        .filter((text) => /^(select|insert|update|delete|\s*with)/.test(text))
        .flatMap((text) => file.prepare(`explain query plan ${text}`).all())
        .map(({ detail }) => String(detail));
      assert.ok(steps.some((step) => step.includes('jobs_ready_in_lanes')));
      const scans = steps.filter((step) => /^SCAN jobs(?! USING INDEX jobs_ready$)/.test(step));
      assert.deepEqual(scans, []);
    });

    it('finds the one set of lanes with room among many that are full', async () => {
      await using stores = await openStoresAt(await createUrl());
      const making = { secretBox: testSecretBox, nowMs: NOW, kinds: new Set(['test']), path: '' };
      const inLane = (at: number, priority: number) =>
        makeJob(jobRequest({ lanes: [`vcenter:${at}`], priority }), making);
      const full = Array.from({ length: 50 }, (_, at) => [inLane(at, 9), inLane(at, 9)]).flat();
      await stores.jobs.submit([...full, inLane(50, 0)], MANY);
      for (let at = 0; at < 17; at += 1) await claim(stores, NOW);
      assert.equal((await stores.jobs.counts()).running, 51);
      assert.deepEqual(await claim(stores, NOW), []);
    });
  });
});
