/** Which jobs a JobStore gives to whom. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Claim } from '#jobs/job-store.ts';
import {
  type OpenJobStore,
  NOW,
  HOLDER,
  submit,
  claim,
  settle,
  present,
  idOf,
  named,
  COMPLETED,
} from './job-store-fixture.ts';

export function itClaimsJobs(open: () => Promise<OpenJobStore>): void {
  it('claims by priority, then by age, and each job once', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('old') }, { id: named('low'), priority: -1 });
    await submit(jobs, { id: named('new') }, { id: named('high'), priority: 5 });
    await submit(jobs, { id: named('foreign'), kind: 'other' });
    assert.deepEqual((await claim(jobs, { most: 3 })).map(idOf), ['high', 'old', 'new']);
    assert.deepEqual((await claim(jobs)).map(idOf), ['low']);
    assert.deepEqual(await claim(jobs), []);
    assert.equal(await jobs.hasReady(['test']), false);
    assert.equal(await jobs.hasReady(['test', 'other']), true);
    const high = await present(jobs, 'high');
    assert.deepEqual(
      [high.state, high.attempt, high.leasedBy, high.startedAt, high.leasedUntil],
      ['running', 1, HOLDER, NOW, NOW + 30_000],
    );
    assert.deepEqual(await jobs.counts(), {
      ...{ pending: 1, running: 4, completed: 0, failed: 0, cancelled: 0 },
    });
  });

  it('gives no job to two who claim at once', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, ...Array.from({ length: 40 }, () => ({})));
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, at) => claim(jobs, { most: 5 }, `host-${at}/a`)),
    );
    const ids = claims.flat().map(idOf);
    assert.equal(new Set(ids).size, ids.length);
    const rest = await claim(jobs, { most: 100 });
    assert.equal(ids.length + rest.length, 40);
  });

  it('lets nobody wait behind jobs whose lane is full', async () => {
    await using stores = await open();
    const { jobs } = stores;
    const lanes = { vcenter: 1, destination: 2 };
    const inLanes = (id: string, ...names: string[]) => ({ id: named(id), lanes: names });
    await submit(jobs, inLanes('a1', 'vcenter:a', 'destination:x'));
    await submit(jobs, inLanes('a2', 'vcenter:a', 'destination:y'), inLanes('a3', 'vcenter:a'));
    await submit(jobs, inLanes('b1', 'vcenter:b', 'destination:x'));
    await submit(jobs, inLanes('c1', 'vcenter:c', 'destination:x'), inLanes('d1', 'other:d'));
    await submit(jobs, { id: named('free') });
    const first = await claim(jobs, { lanes });
    assert.deepEqual(first.map(idOf).toSorted(), ['a1', 'b1', 'd1', 'free']);
    assert.deepEqual(await claim(jobs, { lanes }), []);
    const [a1] = first.filter(({ job }) => job.id === 'a1');
    assert.ok(a1 !== undefined && (await settle(jobs, a1, COMPLETED)));
    assert.deepEqual((await claim(jobs, { lanes })).map(idOf).toSorted(), ['a2', 'c1']);
  });

  it('takes the last place in a lane for one of those who claim at once', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, ...Array.from({ length: 12 }, () => ({ lanes: ['vcenter:a'] })));
    const choices = { lanes: { vcenter: 3 }, most: 2 };
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, at) => claim(jobs, choices, `host-${at}/a`)),
    );
    const rest = await claim(jobs, { ...choices, most: 10 });
    assert.equal([...claims.flat(), ...rest].length, 3);
  });

  it('claims ahead only what is in no lane', async () => {
    await using stores = await open();
    const { jobs } = stores;
    const inLane = { lanes: ['vcenter:a'] };
    await submit(jobs, inLane, inLane, inLane, {}, {}, {}, {});
    const claimed = await claim(jobs, { most: 2, mostAhead: 3 });
    assert.deepEqual(
      claimed.map(({ job }) => job.lanes.length),
      [1, 1, 0, 0, 0],
    );
  });

  it('lets a job into a lane while there is room, and out when it ends', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, {}, {});
    const [one, two] = await claim(jobs);
    assert.ok(one !== undefined && two !== undefined);
    const leaseOf = ({ job }: Claim) => ({ id: job.id, holder: HOLDER, attempt: job.attempt });
    assert.equal(await jobs.enterLane(leaseOf(one), 'esxi:1', 1), true);
    assert.equal(await jobs.enterLane(leaseOf(one), 'esxi:1', 1), true);
    assert.equal(await jobs.enterLane(leaseOf(two), 'esxi:1', 1), false);
    await settle(jobs, { ...one, holdsLanes: true }, COMPLETED);
    assert.equal(await jobs.enterLane(leaseOf(two), 'esxi:1', 1), true);
    const stale = { ...leaseOf(two), attempt: 0 };
    await assert.rejects(jobs.enterLane(stale, 'esxi:2', 1), { reason: 'LEASE_LOST' });
  });

  it('keeps back what is to run later', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { runAfter: NOW + 10 });
    await jobs.wakeDue(NOW + 9);
    assert.deepEqual(await claim(jobs), []);
    await jobs.wakeDue(NOW + 10);
    assert.equal((await claim(jobs)).length, 1);
  });
}
