/** What becomes of jobs in a JobStore when attempts end, or their processes do. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  type OpenJobStore,
  NOW,
  HOLDER,
  ORDER,
  ALL,
  submit,
  claim,
  settledAs,
  settle,
  present,
  idOf,
  named,
  ERROR,
  COMPLETED,
} from './job-store-fixture.ts';

export function itSettlesJobs(open: () => Promise<OpenJobStore>): void {
  it('writes what attempts come to, with events, history and counts', async () => {
    await using stores = await open();
    const { jobs, events } = stores;
    await submit(jobs, ...['a', 'b', 'c', 'd', 'e'].map((id) => ({ id: named(id) })));
    const [a, b, c, d, e] = await claim(jobs);
    assert.ok(a && b && c && d && e);
    const settled = [
      settledAs(a, COMPLETED),
      settledAs(b, { kind: 'failed', error: ERROR }),
      settledAs(c, { kind: 'retrying', error: ERROR, retryAt: NOW + 50 }),
      settledAs(d, { kind: 'cancelled' }),
      settledAs(e, { kind: 'released' }),
    ];
    const turn = { holder: HOLDER, at: NOW, settled, claim: ORDER };
    const { lost, claims } = await jobs.turn(turn);
    assert.deepEqual(lost, []);
    assert.deepEqual(claims.map(idOf), ['e'], 'what was released is there again at once');
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((id) => present(jobs, id)));
    assert.deepEqual(
      found.map(({ state, result, error, endedAt, leasedBy, runAfter }) => [
        ...[state, result, error, endedAt, leasedBy, runAfter - NOW],
      ]),
      [
        ['completed', { disks: 1 }, undefined, NOW, undefined, 0],
        ['failed', undefined, ERROR, NOW, undefined, 0],
        ['pending', undefined, ERROR, undefined, undefined, 50],
        ['cancelled', undefined, undefined, NOW, undefined, 0],
      ],
    );
    assert.deepEqual(await jobs.counts(), {
      ...{ pending: 1, running: 1, completed: 1, failed: 1, cancelled: 1 },
    });
    const kinds = (await events.read({ afterId: 0, limit: 100 })).map(({ event }) => event.kind);
    assert.deepEqual(kinds.slice(10), [
      ...['job.completed', 'job.failed', 'job.retrying', 'job.cancelled', 'job.retrying'],
      'job.started',
    ]);
    const history = await jobs.history(named('a'), ALL);
    assert.deepEqual(
      history.map(({ sequence, kind }) => [sequence, kind]),
      [
        [1, 'submitted'],
        [2, 'started'],
        [3, 'completed'],
      ],
    );
    assert.deepEqual(await jobs.history(named('a'), { after: 1, limit: 1 }), history.slice(1, 2));
    assert.deepEqual(await jobs.history(named('a'), { after: 3, limit: 1 }), []);
    assert.deepEqual((await jobs.history(named('b'), ALL)).at(-1)?.kind, 'failed');
  });

  it('counts failures from one attempt to the next', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') });
    for (const failures of [0, 1, 2]) {
      const [claimed] = await claim(jobs);
      assert.ok(claimed !== undefined);
      assert.deepEqual([claimed.failures, claimed.job.attempt], [failures, failures + 1]);
      await settle(jobs, claimed, { kind: 'retrying', error: ERROR, retryAt: NOW });
      await jobs.wakeDue(NOW);
    }
  });

  it('writes nothing for who does not hold the lease', async () => {
    await using stores = await open();
    const { jobs, events } = stores;
    await submit(jobs, { id: named('a') });
    const [first] = await claim(jobs);
    assert.ok(first !== undefined);
    await jobs.expire(await jobs.leases(10), NOW);
    const [second] = await claim(jobs, {}, 'host-2/a');
    assert.ok(second !== undefined);
    const before = await events.lastId();
    assert.equal(await settle(jobs, first, COMPLETED), false);
    const lease = { id: first.job.id, holder: HOLDER, attempt: 1 };
    assert.equal(await jobs.saveCheckpoint(lease, '{}', NOW), false);
    assert.deepEqual(
      await jobs.report([{ lease, progress: '{}', milestones: [], logs: [] }], NOW),
      ['a'],
    );
    // Nor who holds it, for an attempt of before.
    const past = { ...second, job: { ...second.job, attempt: 1 } };
    const turn = { holder: 'host-2/a', at: NOW, settled: [settledAs(past, COMPLETED)] };
    assert.deepEqual((await jobs.turn({ ...turn, claim: undefined })).lost, ['a']);
    assert.equal((await present(jobs, 'a')).state, 'running');
    assert.equal(await events.lastId(), before);
  });

  it('expires a lease that is as it was seen, and no other', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a'), lanes: ['vcenter:a'] });
    const lanes = { vcenter: 1 };
    await claim(jobs, { lanes });
    const [seen] = await jobs.leases(10);
    assert.ok(seen !== undefined);
    await jobs.renew([seen], NOW + 60_000);
    assert.deepEqual(await jobs.expire([seen], NOW), []);
    const renewed = await jobs.leasesOf('host-1/');
    assert.deepEqual(await jobs.leasesOf('host-2/'), []);
    assert.deepEqual(await jobs.expire(renewed, NOW), ['a']);
    const job = await present(jobs, 'a');
    assert.deepEqual(
      [job.state, job.leasedBy, job.error?.reason],
      ['pending', undefined, 'PROCESS_LOST'],
    );
    assert.equal((await claim(jobs, { lanes })).length, 1, 'its place in the lane was free');
  });

  it('fails a job that outlives too many of its processes', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') });
    let times = 0;
    for (; (await claim(jobs)).length > 0; times += 1) {
      await jobs.expire(await jobs.leases(10), NOW);
    }
    assert.equal(times, 10);
    const job = await present(jobs, 'a');
    assert.deepEqual([job.state, job.error?.reason, job.endedAt], ['failed', 'PROCESS_LOST', NOW]);
    assert.equal((await jobs.counts()).failed, 1);
  });

  it('counts anew once a job has come further than when its process died last', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') });
    /** False when it is not given to anybody any more. */
    const dies = async (percent: number) => {
      const [claimed] = await claim(jobs);
      if (claimed === undefined) return false;
      const lease = { id: claimed.job.id, holder: HOLDER, attempt: claimed.job.attempt };
      const progress = JSON.stringify({ stage: 'copy', percent, doneBytes: 1, parts: [] });
      await jobs.report([{ lease, progress, milestones: [], logs: [] }], NOW);
      await jobs.expire(await jobs.leases(10), NOW);
      return true;
    };
    const diesFor = async (times: number, percent: number) => {
      for (let time = 0; time < times; time += 1) assert.ok(await dies(percent), `${percent} %`);
    };
    for (let percent = 1; percent <= 12; percent += 1) await diesFor(1, percent + 0.5);
    // Further by less than a percent, and nowhere near: the last of them is the tenth at 12 %.
    await diesFor(5, 12.9);
    await diesFor(4, 0);
    assert.equal(await dies(99), false);
    assert.equal((await present(jobs, 'a')).error?.reason, 'PROCESS_LOST');
    const entry = { at: NOW, kind: 'retrying', attempt: 1, message: 'once more' } as const;
    await jobs.change(['a'], NOW, (job) => ({
      ...{ job: { ...job, state: 'pending', endedAt: undefined, progress: undefined } as const },
      ...{ entry, event: undefined, isFresh: true },
    }));
    await diesFor(9, 0);
    await diesFor(10, 5);
    assert.equal(await dies(5), false);
  });

  it('keeps the checkpoint from attempt to attempt, and drops it at the end', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') });
    const [first] = await claim(jobs);
    assert.ok(first !== undefined);
    assert.equal(first.checkpoint, undefined);
    const lease = { id: first.job.id, holder: HOLDER, attempt: 1 };
    await jobs.saveCheckpoint(lease, '{"done":1}', NOW);
    await jobs.saveCheckpoint(lease, '{"done":2}', NOW);
    await settle(jobs, first, { kind: 'released' });
    const [second] = await claim(jobs);
    assert.ok(second !== undefined);
    assert.deepEqual(second.checkpoint, { done: 2 });
    await settle(jobs, second, { kind: 'failed', error: ERROR });
    const cleaning = { holder: 'cleaning/1', nowMs: NOW, forMs: 1000 };
    assert.deepEqual((await jobs.beginCleaning(named('a'), cleaning))?.checkpoint, { done: 2 });
    const refusal = { kind: 'aborted', reason: 'JOB_BUSY' };
    await assert.rejects(jobs.beginCleaning(named('a'), cleaning), refusal);
    const entry = { at: NOW, kind: 'cleaned', attempt: 2, message: 'all gone' } as const;
    await jobs.endCleaning(named('a'), 'cleaning/1', entry);
    const again = await jobs.beginCleaning(named('a'), cleaning);
    assert.equal(again?.checkpoint, undefined);
    assert.equal(again?.job.leasedBy, undefined);
    assert.equal((await jobs.history(named('a'), ALL)).at(-1)?.kind, 'cleaned');
  });
}
