import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECOND_MS } from '#kernel/units.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { jobEventKinds, type RunnerChoices } from '#test/job-fixture.ts';
import { broken, first, openLife, wrong } from '#test/job-life.ts';

const createUrl = useDatabases('SQLite');

const open = async (choices: RunnerChoices = {}) =>
  await openLife(await openStoresAt(await createUrl()), choices);

describe('cancelling', () => {
  it('ends a job that never began, at once', async () => {
    await using life = await open({ limits: { slots: 0 } });
    const { id } = await first(life);
    const answer = await life.service.cancel({ ids: [id, id, 'nobody'] });
    assert.deepEqual(answer.cancelled, [id]);
    assert.deepEqual(answer.failed, [{ id: 'nobody', message: 'there is no job nobody' }]);
    const job = await life.service.get(id);
    assert.deepEqual([job.state, job.endedAt], ['cancelled', job.createdAt]);
    assert.deepEqual(await jobEventKinds(life.stores), ['submitted', 'cancelled']);
  });

  it('stops a job that runs, cleans up after it, and only then says so', async () => {
    await using life = await open();
    const { id } = await first(life);
    const { context, fail } = await life.call(1);
    await context.saveCheckpoint({ done: 7 });
    life.handler.obeys = false;
    assert.deepEqual((await life.service.cancel({ states: ['running'] })).cancelled, [id]);
    await life.stores.clock.advance(SECOND_MS);
    assert.equal(context.stopReason(), 'cancelled');
    const asked = await life.service.get(id);
    assert.deepEqual([asked.state, asked.isCancelRequested], ['running', true]);
    assert.equal(life.handler.cleaned.length, 0);
    fail(context.signal.reason as Error);
    const cleaning = await life.cleaning(1);
    assert.deepEqual(cleaning.checkpoint, { done: 7 });
    assert.deepEqual([cleaning.stopReason(), cleaning.signal.aborted], [undefined, false]);
    await life.until(id, 'cancelled');
    assert.equal((await jobEventKinds(life.stores)).at(-1), 'cancelled');
    const last = (await life.service.history(id, { after: 0, limit: 10 })).at(-1);
    assert.match(last?.message ?? '', /disk-0\.qcow2/);
  });

  it('cleans up after a job that waits for its next attempt, without waiting itself', async () => {
    await using life = await open();
    const { id } = await first(life);
    (await life.call(1)).fail(broken);
    const waiting = await life.until(id, 'pending');
    await life.service.cancel({ ids: [id] });
    await life.cleaning(1);
    const job = await life.until(id, 'cancelled');
    assert.ok((job.endedAt ?? 0) < waiting.runAfter);
    assert.equal(life.handler.calls.length, 1);
  });

  it('does not wait for a slot', async () => {
    await using life = await open({ limits: { slots: 1 } });
    const { id } = await first(life);
    (await life.call(1)).fail(broken);
    await life.until(id, 'pending');
    await life.submit({});
    await life.call(2);
    await life.service.cancel({ ids: [id] });
    await life.until(id, 'cancelled');
    assert.equal(life.runner.stats().active, 1);
  });

  it('leaves a job completed that was done when it was told to stop', async () => {
    await using life = await open();
    const { id } = await first(life);
    life.handler.obeys = false;
    const { answer } = await life.call(1);
    await life.service.cancel({ ids: [id] });
    answer({ disks: 1 });
    await life.until(id, 'completed');
    assert.equal(life.handler.cleaned.length, 0);
    const answerOfDone = await life.service.cancel({ ids: [id] });
    assert.match(answerOfDone.failed[0]?.message ?? '', /is completed; only one that is pending/);
  });

  it('fails a job that does not stop, and keeps its slot', async () => {
    await using life = await open({ limits: { slots: 1 } });
    const { id } = await first(life);
    life.handler.obeys = false;
    const { answer } = await life.call(1);
    await life.service.cancel({ ids: [id] });
    const job = await life.until(id, 'failed');
    assert.equal(job.error?.reason, 'DOES_NOT_STOP');
    assert.equal(life.handler.cleaned.length, 0);
    const next = await first(life);
    await life.stores.clock.advance(3 * SECOND_MS);
    assert.equal((await life.service.get(next.id)).state, 'pending');
    answer();
    await life.until(next.id, 'running');
    assert.equal((await life.service.get(id)).state, 'failed', 'what comes late changes nothing');
  });

  it('tries to clean up again where that can pass, and says so where it cannot', async () => {
    await using life = await open();
    const { id } = await first(life);
    await life.call(1);
    life.handler.cleanUpError = broken;
    await life.service.cancel({ ids: [id] });
    await life.cleaning(2);
    life.handler.cleanUpError = wrong;
    const job = await life.until(id, 'failed');
    assert.equal(job.error?.kind, 'unauthenticated');
    life.handler.cleanUpError = undefined;
    assert.deepEqual(await life.service.clean(id), ['disk-0.qcow2']);
    const last = (await life.service.history(id, { after: 0, limit: 20 })).at(-1);
    assert.equal(last?.kind, 'cleaned');
  });

  it('goes on where it was when the process died meanwhile', async () => {
    await using life = await open();
    const { id } = await first(life);
    const { context } = await life.call(1);
    await context.saveCheckpoint({ done: 7 });
    life.handler.obeys = false;
    await life.service.cancel({ ids: [id] });
    await life.startAnother();
    const cleaning = await life.cleaning(1);
    assert.deepEqual(cleaning.checkpoint, { done: 7 });
    await life.until(id, 'cancelled');
    assert.equal(context.stopReason(), 'lease-lost');
    assert.equal(life.handler.calls.length, 1);
  });
});
