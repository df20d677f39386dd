import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECOND_MS } from '#kernel/units.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { jobEventKinds, progressOf, type RunnerChoices } from '#test/job-fixture.ts';
import { broken, first, openLife, wrong } from '#test/job-life.ts';

const createUrl = useDatabases('SQLite');

const open = async (choices: RunnerChoices = {}) =>
  await openLife(await openStoresAt(await createUrl()), choices);

describe('a job', () => {
  it('runs from its submission to its result, and is told of', async () => {
    await using life = await open();
    const { id } = await first(life, { secrets: { password: 'geheim' } });
    const { context, answer } = await life.call(1);
    assert.equal(context.secrets['password'], 'geheim');
    assert.equal(context.job.id, id);
    assert.deepEqual(life.runner.stats(), { slots: 2, active: 1 });
    context.report(progressOf('copy', 5));
    context.report(progressOf('copy', 7));
    context.report(progressOf('copy', 33));
    context.report(progressOf('check', 33));
    context.log('info', 'half of it\0');
    answer({ disks: 2 });
    const job = await life.until(id, 'completed');
    assert.deepEqual(job.result, { disks: 2 });
    assert.equal(job.progress?.stage, 'check');
    const kinds = ['submitted', 'started', 'progress', 'progress', 'progress', 'completed'];
    assert.deepEqual(await jobEventKinds(life.stores), kinds);
    const history = await life.service.history(id, { after: 0, limit: 10 });
    assert.deepEqual(
      history.map(({ kind }) => kind),
      kinds,
    );
    const [line] = await life.service.logs(id, { after: 0, limit: 10 });
    assert.equal(line?.text, 'half of it\uFFFD');
    assert.deepEqual(life.runner.stats(), { slots: 2, active: 0 });
  });

  it('is tried again for what can pass, later each time, and as often as it may be', async () => {
    await using life = await open();
    const { id } = await first(life, { maxAttempts: 3 });
    const starts: number[] = [];
    for (const number of [1, 2, 3]) {
      const { context, fail } = await life.call(number);
      starts.push(life.stores.clock.nowMs());
      assert.equal(context.job.attempt, number);
      if (number === 1) await context.saveCheckpoint({ done: 7 });
      else assert.deepEqual(context.checkpoint, { done: 7 });
      fail(broken);
      if (number < 3) assert.equal((await life.until(id, 'pending')).error?.reason, 'BROKEN');
    }
    const job = await life.until(id, 'failed');
    assert.deepEqual([job.attempt, job.error?.kind], [3, 'unavailable']);
    const lines = await life.service.logs(id, { after: 0, limit: 10 });
    assert.deepEqual(
      lines.map(({ level, text }) => `${level} ${text}`),
      [
        'warn attempt 1 failed: the connection broke',
        'warn attempt 2 failed: the connection broke',
        'error attempt 3 failed: the connection broke',
      ],
    );
    const [one = 0, two = 0, three = 0] = starts;
    assert.ok(two - one >= SECOND_MS && two - one <= 4 * SECOND_MS, `${two - one}`);
    assert.ok(three - two >= 2 * SECOND_MS && three - two <= 6 * SECOND_MS, `${three - two}`);
  });

  it('is not tried again for what cannot pass, or is a mistake of the handler', async () => {
    await using life = await open();
    for (const [number, error, kind] of [
      [1, wrong, 'unauthenticated'],
      [2, new TypeError('a mistake'), 'internal'],
    ] as const) {
      const { id } = await first(life);
      (await life.call(number)).fail(error);
      const job = await life.until(id, 'failed');
      assert.deepEqual([job.attempt, job.error?.kind], [1, kind]);
      assert.doesNotMatch(job.error?.message ?? '', /a mistake/);
    }
    const { id } = await first(life);
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    (await life.call(3)).answer(circle);
    assert.equal((await life.until(id, 'failed')).error?.reason, 'NOT_JSON');
  });

  it('goes on when somebody asks to try it again', async () => {
    await using life = await open();
    const { id } = await first(life);
    (await life.call(1)).fail(wrong);
    await life.until(id, 'failed');
    const again = await life.service.retry(id);
    assert.deepEqual([again.state, again.endedAt], ['pending', undefined]);
    (await life.call(2)).answer();
    const job = await life.until(id, 'completed');
    assert.deepEqual([job.attempt, job.error], [2, undefined]);
    const refusal = { kind: 'failed_precondition', reason: 'JOB_STATE' };
    await assert.rejects(life.service.retry(id), refusal);
  });

  it('is given what changes while it runs', async () => {
    await using life = await open();
    const { id } = await first(life);
    const { context } = await life.call(1);
    await life.service.setControls(id, { limit: 5, other: 1 });
    await life.service.setControls(id, { other: null });
    await life.stores.clock.advance(SECOND_MS);
    assert.deepEqual(context.controls(), { limit: 5 });
  });
});

describe('a runner', () => {
  it('gives its slot to others while it only waits for them', async () => {
    await using life = await open({ limits: { slots: 1 } });
    const [waiting, other] = await life.submit({}, {});
    const { context, answer } = await life.call(1);
    assert.deepEqual(life.runner.stats(), { slots: 1, active: 1 });
    context.leaveSlot();
    context.leaveSlot();
    const second = await life.call(2);
    assert.deepEqual(life.runner.stats(), { slots: 1, active: 1 });
    second.answer({});
    await life.until(other?.id ?? '', 'completed');
    assert.equal((await life.service.get(waiting?.id ?? '')).state, 'running');
    answer({});
    await life.until(waiting?.id ?? '', 'completed');
    assert.deepEqual(life.runner.stats(), { slots: 1, active: 0 });
  });

  it('runs as many at a time as it has slots', async () => {
    await using life = await open({ limits: { slots: 3 } });
    await life.submit(...Array.from({ length: 5 }, () => ({})));
    await life.call(3);
    await life.stores.clock.advance(3 * SECOND_MS);
    assert.equal(life.handler.calls.length, 3);
    assert.deepEqual((await life.service.counts()).running, 3);
    life.handler.calls[0]?.answer();
    await life.stores.clock.advance(SECOND_MS);
    assert.equal(life.handler.calls.length, 4);
  });

  it('keeps to the limits of lanes, those that a job enters as it runs too', async () => {
    const lanes = { vcenter: 1, esxi: 1 };
    await using life = await open({ limits: { slots: 5, lanes } });
    const inLane = { lanes: ['vcenter:a'] };
    await life.submit(inLane, inLane, {}, {});
    const [one, two, three] = [await life.call(1), await life.call(2), await life.call(3)];
    await life.stores.clock.advance(3 * SECOND_MS);
    assert.equal(life.handler.calls.length, 3);
    const entered: string[] = [];
    const enter = async (call: typeof one) => {
      await call.context.enterLane('esxi:1');
      entered.push(call.context.job.id);
    };
    await enter(two);
    const waiting = enter(three);
    await life.stores.clock.advance(3 * SECOND_MS);
    assert.equal(entered.length, 1);
    one.answer();
    two.answer();
    await life.stores.clock.advance(3 * SECOND_MS);
    await waiting;
    assert.equal(life.handler.calls.length, 4);
  });

  it('gives its jobs back when it stops, and another goes on with them', async () => {
    await using life = await open();
    const { id } = await first(life);
    const { context } = await life.call(1);
    await context.saveCheckpoint({ done: 7 });
    const disposed = life.runner[Symbol.asyncDispose]();
    await life.stores.clock.advance(SECOND_MS);
    await disposed;
    assert.equal(context.stopReason(), 'shutdown');
    const job = await life.service.get(id);
    assert.deepEqual([job.state, job.leasedBy], ['pending', undefined]);
    await life.startAnother({ holder: 'host-2' });
    const next = await life.call(2);
    assert.deepEqual(next.context.checkpoint, { done: 7 });
    next.answer();
    assert.equal((await life.until(id, 'completed')).attempt, 2);
  });

  it('takes over from a process that is gone, and not from one that is only slow', async () => {
    await using life = await open();
    const { id } = await first(life);
    await life.call(1);
    await life.startAnother({ holder: 'host-2' });
    await life.stores.clock.advance(120 * SECOND_MS);
    assert.equal(life.handler.calls.length, 1, 'its lease is renewed');
    life.stores.clock.jumpWallClock(7 * 24 * 3600 * SECOND_MS);
    await life.stores.clock.advance(60 * SECOND_MS);
    life.stores.clock.jumpWallClock(-30 * 24 * 3600 * SECOND_MS);
    await life.stores.clock.advance(60 * SECOND_MS);
    assert.equal(life.handler.calls.length, 1, 'the wall clock means nothing to it');
    assert.equal((await life.service.get(id)).attempt, 1);
  });

  it('stops what it runs when another process has it', async () => {
    await using life = await open({ limits: { slots: 1 } });
    const { id } = await first(life);
    life.handler.obeys = false;
    const { context, answer } = await life.call(1);
    const { jobs, clock } = life.stores;
    await jobs.expire(await jobs.leases(10), clock.nowMs());
    await clock.advance(SECOND_MS);
    assert.equal(context.stopReason(), 'lease-lost');
    await assert.rejects(context.saveCheckpoint({}), { reason: 'LEASE_LOST' });
    answer({ mine: true });
    const next = await life.call(2);
    next.answer({ mine: false });
    assert.deepEqual((await life.until(id, 'completed')).result, { mine: false });
  });

  it('refuses what no handler is for, and what is too much', async () => {
    await using life = await open();
    const refusal = (field: string) => ({ kind: 'invalid_argument', message: new RegExp(field) });
    for (const [choices, field] of [
      [{ kind: 'unknown' }, 'kind'],
      [{ subject: '' }, 'subject'],
      [{ subject: 'a\nb' }, 'subject'],
      [{ spec: { big: 'x'.repeat(256 * 1024) } }, 'spec'],
      [{ spec: { text: 'NUL: \0' } }, 'spec'],
      [{ spec: { text: '\ud800' } }, 'spec'],
      [{ priority: 101 }, 'priority'],
      [{ lanes: ['a', 'a'] }, 'lanes'],
      [{ maxAttempts: 0 }, 'max_attempts'],
      [{ runAfter: Number.NaN }, 'run_after'],
    ] as const) {
      await assert.rejects(life.submit(choices), refusal(field), field);
    }
    await assert.rejects(life.submit({}, { subject: '' }), refusal('jobs\\.1\\.subject'));
    const many = Array.from({ length: 1001 }, () => ({}));
    await assert.rejects(life.submit(...many), refusal('jobs'));
    await life.submit({ spec: { path: 'C:\\u0000\\ud800' } });
  });
});
