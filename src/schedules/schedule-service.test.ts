import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { ScheduleFixture } from '#test/schedule-fixture.ts';

const INVALID = (field: string) => ({ kind: 'invalid_argument', metadata: { field } });
const START = Date.UTC(2026, 0, 1);

describe('a new schedule', () => {
  it('is enabled, runs missed times once, does not overlap, and knows its next run', async () => {
    await using fixture = await ScheduleFixture.open();
    const schedule = await fixture.create({ id: 'nightly', schedule: ' 0 2 * * * ' });
    assert.deepEqual(schedule, {
      ...{ id: 'nightly', name: 'nightly', description: '', schedule: '0 2 * * *' },
      ...{ timezone: 'UTC', enabled: true, missed: 'once', overlap: 'skip', jitterMs: 0 },
      template: {
        ...{ kind: 'migration', name: undefined, subject: '/DC0/vm/web', spec: { to: 'kvm' } },
        ...{ sealedSecrets: undefined, priority: undefined, maxAttempts: undefined },
        lanes: undefined,
      },
      ...{ tags: [], createdAt: START, updatedAt: START, lastRunAt: undefined },
      ...{ nextDueAt: START + 2 * HOUR_MS, nextRunAt: START + 2 * HOUR_MS },
      ...{ runCount: 0, successfulRuns: 0, failedRuns: 0 },
    });
    assert.deepEqual(await fixture.read(schedule), schedule);
    const again = fixture.create({ id: 'nightly' });
    await assert.rejects(again, { kind: 'already_exists', reason: 'SCHEDULE_EXISTS' });
    const { id, name } = await fixture.create();
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(name, id);
  });

  it('keeps secrets sealed, and gives them to its jobs alone', async () => {
    await using fixture = await ScheduleFixture.open();
    const template = { kind: 'm', subject: 's', spec: {}, secrets: { password: 'hunter2' } };
    const schedule = await fixture.create({ template });
    assert.ok(!JSON.stringify(schedule).includes('hunter2'));
    await fixture.service.trigger(schedule.id);
    assert.deepEqual(fixture.jobs.submitted[0]?.secrets, { password: 'hunter2' });
  });

  for (const [field, choices] of [
    ['id', { id: '../etc' }],
    ['schedule', { schedule: '0 25 * * *' }],
    ['timezone', { timezone: 'Mars/Olympus' }],
    ['name', { name: ' ' }],
    ['description', { description: 'x'.repeat(2001) }],
    ['tags', { tags: [''] }],
    ['jitter', { jitterMs: HOUR_MS + 1 }],
    ['jitter', { jitterMs: 0.5 }],
    ['job_template', { template: { kind: 'm', subject: 'x'.repeat(300_000), spec: {} } }],
  ] as const) {
    it(`is refused when its ${field} is wrong, and the field is named`, async () => {
      await using fixture = await ScheduleFixture.open();
      await assert.rejects(fixture.create(choices), (thrown) => {
        assert.ok(thrown instanceof DroverError);
        assert.deepEqual([thrown.kind, thrown.metadata['field']], ['invalid_argument', field]);
        return true;
      });
    });
  }
});

describe('a change of a schedule', () => {
  it('leaves what is absent as it is, also whether it is enabled and when it runs', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service, clock } = fixture;
    const template = { kind: 'm', subject: 's', spec: { a: 1 }, secrets: { password: 'p' } };
    const schedule = await fixture.create({
      ...{ schedule: '@every 90m', template, tags: ['t'], missed: 'all', overlap: 'queue' },
    });
    await clock.advance(10 * MINUTE_MS);
    const changed = await service.change(schedule.id, { name: 'Other' });
    assert.deepEqual(changed, { ...schedule, name: 'Other', updatedAt: clock.nowMs() });
    const disabled = await service.change(schedule.id, { enabled: false });
    assert.deepEqual([disabled.nextDueAt, disabled.nextRunAt], [undefined, undefined]);
    const renamed = await service.change(schedule.id, { name: 'Third' });
    assert.deepEqual([renamed.enabled, renamed.nextDueAt], [false, undefined]);
    const enabled = await service.enable(schedule.id);
    assert.equal(enabled.nextDueAt, clock.nowMs() + 90 * MINUTE_MS);
    assert.equal((await service.enable(schedule.id)).nextDueAt, enabled.nextDueAt);
    assert.equal((await service.disable(schedule.id)).enabled, false);
  });

  it('of the time or zone sets the next run anew, one of the jitter moves it', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service } = fixture;
    const { id } = await fixture.create({ schedule: 'CRON_TZ=Asia/Tokyo 0 2 * * *' });
    const zoned = await service.get(id);
    assert.deepEqual([zoned.timezone, zoned.nextDueAt], ['Asia/Tokyo', START + 17 * HOUR_MS]);
    const later = await service.change(id, { schedule: '0 3 * * *' });
    assert.deepEqual([later.timezone, later.nextDueAt], ['Asia/Tokyo', START + 18 * HOUR_MS]);
    const moved = await service.change(id, { timezone: 'UTC' });
    assert.deepEqual([moved.schedule, moved.nextDueAt], ['0 3 * * *', START + 3 * HOUR_MS]);
    const prefixed = await service.change(id, { schedule: 'TZ=Asia/Tokyo 0 3 * * *' });
    assert.equal(prefixed.timezone, 'Asia/Tokyo');
    const unprefixed = await service.change(id, { timezone: 'UTC' });
    assert.deepEqual([unprefixed.schedule, unprefixed.timezone], ['0 3 * * *', 'UTC']);
    const jittered = await service.change(id, { jitterMs: HOUR_MS });
    assert.equal(jittered.nextDueAt, unprefixed.nextDueAt);
    assert.ok((jittered.nextRunAt ?? 0) > (jittered.nextDueAt ?? 0));
    const both = { schedule: 'TZ=Asia/Tokyo 0 3 * * *', timezone: 'UTC' };
    await assert.rejects(service.change(id, both), INVALID('timezone'));
    await assert.rejects(service.change(id, { schedule: 'x' }), INVALID('schedule'));
  });

  it('of the template keeps its secrets only where they may go with the new one', async () => {
    await using fixture = await ScheduleFixture.open({
      secretUsesOf: ({ host, next }) => [
        { name: 'password', field: 'source.password', place: String(host) },
        ...(next === undefined ? [] : [{ name: 'token', field: 'destination.token', place: 'n' }]),
      ],
    });
    const { service, jobs } = fixture;
    const template = { kind: 'm', subject: 's', spec: { host: 'a' }, secrets: { password: 'p' } };
    const { id } = await fixture.create({ template });
    const secretsAfter = async (
      spec: Record<string, unknown>,
      secrets?: Record<string, string>,
    ) => {
      await service.change(id, { template: { kind: 'm', subject: 's', spec, secrets } });
      await service.trigger(id);
      return jobs.submitted.at(-1)?.secrets;
    };
    assert.deepEqual(await secretsAfter({ host: 'a', disk: 1 }), { password: 'p' });
    assert.deepEqual(await secretsAfter({ host: 'a' }, { password: 'q' }), { password: 'q' });
    const other = secretsAfter({ host: 'evil' });
    await assert.rejects(other, INVALID('job_template.source.password'));
    const both = { host: 'a', next: 1 };
    await assert.rejects(secretsAfter(both), INVALID('job_template.destination.token'));
    assert.deepEqual(await secretsAfter(both, { token: 't' }), { password: 'q', token: 't' });
    assert.deepEqual(await secretsAfter(both), { password: 'q', token: 't' });
    assert.deepEqual(await secretsAfter({ host: 'a' }), { password: 'q' });
  });
});

describe('ScheduleService', () => {
  it('says of an unknown id that there is no such schedule, whatever is asked', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service } = fixture;
    for (const id of ['nobody', '../x']) {
      for (const asked of [
        service.get(id),
        service.change(id, {}),
        service.enable(id),
        service.disable(id),
        service.remove(id),
        service.trigger(id),
        service.runs(id, { limit: 1 }),
      ]) {
        await assert.rejects(asked, { kind: 'not_found', reason: 'SCHEDULE_NOT_FOUND' });
      }
    }
  });

  it('triggers a run that has a job and an event, also of a disabled schedule', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service, jobs, stores } = fixture;
    const schedule = await fixture.create({ id: 'a', enabled: false, overlap: 'skip' });
    const first = await service.trigger('a');
    const second = await service.trigger('a');
    assert.deepEqual(jobs.ids, [first.jobId, second.jobId]);
    assert.notEqual(first.jobId, second.jobId);
    assert.deepEqual([first.state, first.isManual, first.dueAt], ['running', true, START]);
    const { name, subject, scheduleId } = jobs.submitted[0] ?? {};
    assert.deepEqual([name, subject, scheduleId], ['a', '/DC0/vm/web', 'a']);
    await fixture.end(schedule, 0);
    await fixture.end(schedule, 1, { state: 'failed', message: 'no space' });
    const runs = await service.runs('a', { limit: 10 });
    assert.deepEqual(
      runs.map(({ state, message }) => [state, message]),
      [
        ['failed', 'no space'],
        ['completed', undefined],
      ],
    );
    assert.deepEqual(await service.runs('a', { before: runs[0]?.sequence, limit: 9 }), [runs[1]]);
    const { totalRuns, successfulRuns, failedRuns, disabled } = await service.stats();
    assert.deepEqual([totalRuns, successfulRuns, failedRuns, disabled], [2, 1, 1, 1]);
    const [recorded] = await stores.events.read({ afterId: 0, limit: 10 });
    assert.ok(recorded?.event.kind === 'schedule.triggered');
    assert.equal(recorded.event.isManual, true);
  });

  it('tells who triggers when there can be no job, and keeps the failed run', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service, jobs } = fixture;
    const schedule = await fixture.create({ id: 'a' });
    jobs.refusal = () => new DroverError('unavailable', 'the database cannot be reached');
    await assert.rejects(service.trigger('a'), { kind: 'unavailable' });
    const [run] = await service.runs('a', { limit: 10 });
    assert.deepEqual([run?.state, run?.jobId], ['failed', undefined]);
    assert.equal(run?.message, 'the database cannot be reached');
    // It was told to somebody, and is not made up for behind their back.
    jobs.refusal = () => undefined;
    await fixture.lookAfter(10 * MINUTE_MS);
    assert.deepEqual(jobs.ids, []);
    assert.equal((await fixture.read(schedule)).failedRuns, 1);
  });

  it('removes a schedule, whose running job then counts for nothing', async () => {
    await using fixture = await ScheduleFixture.open();
    const { service } = fixture;
    const schedule = await fixture.create({ id: 'a', schedule: '@every 1s' });
    await fixture.lookAfter(SECOND_MS);
    await service.remove('a');
    await fixture.end(schedule, 0);
    await fixture.lookAfter(HOUR_MS);
    assert.equal(fixture.jobs.ids.length, 1);
    assert.equal((await service.stats()).total, 0);
  });
});
