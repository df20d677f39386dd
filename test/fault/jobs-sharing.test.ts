/** Two processes on one PostgreSQL database: they share the work, and one outlives the other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { JobRunner } from '#jobs/job-runner.ts';
import { openStoresAt, useDatabases, type OpenStores } from '#test/contract/databases.ts';
import { createJobRunner, createJobService, jobRequest, TestHandler } from '#test/job-fixture.ts';
import { until } from '#test/until.ts';

interface Process extends AsyncDisposable {
  readonly stores: OpenStores;
  readonly handler: TestHandler;
  readonly runner: JobRunner;
  /** Its own: nothing moves there while this does not. */
  readonly clock: FakeClock;
}

async function startProcess(url: string, holder: string): Promise<Process> {
  const stores = await openStoresAt(url);
  const handler = new TestHandler();
  const clock = new FakeClock();
  const limits = { slots: 3, lanes: { vcenter: 4 } };
  const runner = createJobRunner(stores, { handlers: [handler], holder, clock, limits });
  await runner.start();
  return {
    ...{ stores, handler, runner, clock },
    async [Symbol.asyncDispose]() {
      handler.obeys = true;
      for (const call of handler.calls) call.fail(new Error('the test is over'));
      const disposed = runner[Symbol.asyncDispose]().then(() => true);
      let isDisposed = false;
      void disposed.then(() => (isDisposed = true));
      await until(async () => {
        await clock.advance(SECOND_MS / 4);
        return isDisposed || undefined;
      }, 'the runner to stop');
      await stores[Symbol.asyncDispose]();
    },
  };
}

async function move(processes: readonly Process[], look: () => boolean): Promise<void> {
  await until(async () => {
    if (look()) return true;
    for (const { clock } of processes) await clock.advance(SECOND_MS / 4);
    return undefined;
  }, 'what was to happen');
}

describe('two processes on one PostgreSQL database', () => {
  const createUrl = useDatabases('PostgreSQL');

  it('share the jobs, within the limits of lanes', async () => {
    const url = await createUrl();
    await using one = await startProcess(url, 'host-1');
    await using two = await startProcess(url, 'host-2');
    const service = createJobService(one.stores);
    const requests = Array.from({ length: 8 }, () => jobRequest({ lanes: ['vcenter:a'] }));
    await service.submit(requests);
    const calls = () => [...one.handler.calls, ...two.handler.calls];
    await move([one, two], () => calls().length === 4);
    await one.clock.advance(5 * SECOND_MS);
    await two.clock.advance(5 * SECOND_MS);
    assert.equal(calls().length, 4);
    assert.ok(one.handler.calls.length > 0 && two.handler.calls.length > 0);
    for (let ended = 0; ended < 8; ended += 1) {
      await move([one, two], () => calls().length > ended);
      for (const { answer } of calls()) answer();
    }
    await until(async () => {
      await one.clock.advance(SECOND_MS);
      await two.clock.advance(SECOND_MS);
      return (await service.counts()).completed === 8 || undefined;
    }, 'all jobs');
    const ids = calls().map(({ context }) => context.job.id);
    assert.equal(new Set(ids).size, 8, 'none ran twice');
  });

  it('go on with the jobs of the one that stops dead, and hear nothing of it later', async () => {
    const url = await createUrl();
    await using one = await startProcess(url, 'host-1');
    const service = createJobService(one.stores);
    const [job] = await service.submit([jobRequest()]);
    assert.ok(job !== undefined);
    await move([one], () => one.handler.calls.length === 1);
    const [dead] = one.handler.calls;
    assert.ok(dead !== undefined);
    await dead.context.saveCheckpoint({ done: 7 });
    one.handler.obeys = false;
    await using two = await startProcess(url, 'host-2');
    await two.clock.advance(30 * SECOND_MS);
    assert.equal(two.handler.calls.length, 0, 'not before its lease is over');
    await move([two], () => two.handler.calls.length === 1);
    const [next] = two.handler.calls;
    assert.deepEqual(next?.context.checkpoint, { done: 7 });
    // It wakes up and believes that nothing has happened.
    await assert.rejects(dead.context.saveCheckpoint({ done: 8 }), { reason: 'LEASE_LOST' });
    assert.equal(dead.context.stopReason(), 'lease-lost');
    dead.answer({ by: 'one' });
    next?.answer({ by: 'two' });
    await until(async () => {
      await one.clock.advance(SECOND_MS);
      await two.clock.advance(SECOND_MS);
      return (await service.get(job.id)).state === 'completed' || undefined;
    }, 'the job');
    assert.deepEqual((await service.get(job.id)).result, { by: 'two' });
    assert.equal((await service.get(job.id)).attempt, 2);
  });
});
