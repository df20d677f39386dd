import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { ScheduleId } from '#kernel/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { FakeJobs, ScheduleFixture } from '#test/schedule-fixture.ts';
import { until } from '#test/until.ts';
import { RunSubmitter } from './run-submitter.ts';
import { runJobId } from './schedule.ts';

const START = Date.UTC(2026, 0, 1);

describe('ScheduleRunner', () => {
  it('submits a job at each due time, under an id that follows from it', async () => {
    await using fixture = await ScheduleFixture.open();
    const schedule = await fixture.create({ id: 'a' });
    assert.equal(await fixture.runner.look(), MINUTE_MS);
    assert.equal(await fixture.lookAfter(HOUR_MS - 5 * SECOND_MS), 5 * SECOND_MS);
    await fixture.lookAfter(5 * SECOND_MS - 1);
    assert.deepEqual(fixture.jobs.ids, []);
    await fixture.lookAfter(1);
    await fixture.runner.look();
    assert.deepEqual(fixture.jobs.ids, [runJobId('a' as ScheduleId, START + HOUR_MS)]);
    assert.match(fixture.jobs.ids[0] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
    const { nextRunAt, lastRunAt, runCount } = await fixture.read(schedule);
    assert.deepEqual([nextRunAt, lastRunAt, runCount], [START + 2 * HOUR_MS, START + HOUR_MS, 1]);
    assert.deepEqual(await fixture.states(schedule), ['running']);
  });

  it('wakes by itself when a run is due, and at once when one is due sooner', async () => {
    await using fixture = await ScheduleFixture.open();
    const { jobs, clock, runner } = fixture;
    const count = (most: number) => until(() => jobs.ids.length === most || undefined, 'a job');
    const asleep = () => until(() => clock.pendingTimers === 1 || undefined, 'its nap');
    await fixture.create({ schedule: '30 0 * * *' });
    runner.start();
    for (let minute = 0; minute < 30; minute += 1) {
      await asleep();
      await clock.advance(MINUTE_MS);
    }
    await count(1);
    await asleep();
    await fixture.create({ schedule: '@every 10s' });
    // The change has woken it: it sleeps again, and only as long as it may.
    await until(async () => {
      if (jobs.ids.length === 2) return true;
      await clock.advance(SECOND_MS);
      return undefined;
    }, 'the second job');
    assert.ok(clock.nowMs() <= START + 30 * MINUTE_MS + 20 * SECOND_MS);
    await asleep();
  });

  it('submits each due time once, however many processes look at once', async () => {
    await using fixture = await ScheduleFixture.open();
    for (let at = 0; at < 120; at += 1) await fixture.create({ id: `s${at}` });
    await fixture.clock.advance(HOUR_MS);
    const runners = [1, 2, 3].map(() => fixture.createRunner());
    await Promise.all(runners.map((runner) => runner.look()));
    assert.equal(fixture.jobs.ids.length, 120);
    const recorded = await fixture.stores.events.read({ afterId: 0, limit: 1000 });
    assert.equal(recorded.length, 120);
    for (const runner of runners) await runner[Symbol.asyncDispose]();
  });

  it('repairs a run whose process died on the way to its job, and makes no second', async () => {
    await using fixture = await ScheduleFixture.open();
    const { stores, secretBox, logged, jobs } = fixture;
    const schedule = await fixture.create({ id: 'a' });
    // Its jobs are stored, and the answer never arrives.
    const dying = new FakeJobs();
    dying.onSubmit = async (request) => {
      await jobs.submit([request]);
      throw new DroverError('unavailable', 'the connection broke');
    };
    const { clock, scheduleRuns: runs } = stores;
    const submitter = new RunSubmitter({ runs, jobs: dying, secretBox, clock, log: logged.log });
    await using dead = fixture.createRunner(submitter);
    await clock.advance(HOUR_MS);
    await dead.look();
    assert.deepEqual(await fixture.states(schedule), ['submitting']);
    await fixture.lookAfter(MINUTE_MS - 1);
    assert.deepEqual(await fixture.states(schedule), ['submitting']);
    await fixture.lookAfter(1);
    assert.deepEqual(await fixture.states(schedule), ['running']);
    assert.equal(jobs.ids.length, 1);
  });

  it('takes a job that is there for its own though the template has changed', async () => {
    await using fixture = await ScheduleFixture.open();
    const schedule = await fixture.create({ id: 'a' });
    const jobId = runJobId('a' as ScheduleId, START + HOUR_MS);
    await fixture.jobs.submit([{ id: jobId, kind: 'migration', subject: 'former', spec: {} }]);
    await fixture.lookAfter(HOUR_MS);
    assert.deepEqual(await fixture.states(schedule), ['running']);
    assert.equal(fixture.jobs.ids.length, 1);
  });

  it('makes a refused job a failed run, and lets the others run', async () => {
    await using fixture = await ScheduleFixture.open();
    const { jobs, stores } = fixture;
    const bad = await fixture.create({ id: 'bad' });
    const good = await fixture.create({ id: 'good' });
    jobs.refusal = (requests) =>
      requests.some(({ scheduleId }) => scheduleId === bad.id)
        ? new DroverError('invalid_argument', 'subject: must be a path')
        : undefined;
    await fixture.lookAfter(HOUR_MS);
    assert.deepEqual(await fixture.states(bad), ['failed']);
    assert.deepEqual(await fixture.states(good), ['running']);
    const [run] = await fixture.service.runs('bad', { limit: 1 });
    assert.deepEqual([run?.message, run?.jobId], ['subject: must be a path', undefined]);
    const recorded = await stores.events.read({ afterId: 0, limit: 10 });
    const failed = recorded.find(({ event }) => event.kind === 'schedule.failed')?.event;
    assert.ok(failed?.kind === 'schedule.failed');
    assert.deepEqual([failed.jobId, failed.message], [undefined, 'subject: must be a path']);
    assert.equal((await fixture.read(bad)).failedRuns, 1);
  });

  it('runs missed times as each schedule says', async () => {
    await using fixture = await ScheduleFixture.open();
    const skip = await fixture.create({ id: 'skip', missed: 'skip' });
    const once = await fixture.create({ id: 'once', missed: 'once' });
    const all = await fixture.create({ id: 'all', missed: 'all', overlap: 'allow' });
    await fixture.lookAfter(5.5 * HOUR_MS);
    assert.deepEqual(await fixture.states(skip), ['skipped']);
    assert.deepEqual(await fixture.states(once), ['skipped', 'running']);
    assert.deepEqual(await fixture.states(all), Array(5).fill('running'));
    assert.equal((await fixture.read(all)).nextRunAt, START + 6 * HOUR_MS);
  });

  it('queues a run behind the one before, and looks for its end every two seconds', async () => {
    await using fixture = await ScheduleFixture.open();
    const schedule = await fixture.create({ id: 'a', overlap: 'queue' });
    await fixture.lookAfter(HOUR_MS);
    assert.equal(await fixture.lookAfter(HOUR_MS), 2 * SECOND_MS);
    assert.deepEqual(await fixture.states(schedule), ['running', 'waiting']);
    await fixture.end(schedule, 0);
    assert.equal(await fixture.lookAfter(2 * SECOND_MS), MINUTE_MS);
    assert.deepEqual(await fixture.states(schedule), ['completed', 'running']);
    assert.deepEqual(fixture.jobs.ids.at(-1), runJobId(schedule.id, START + 2 * HOUR_MS));
  });

  it('skips a run while the one before goes on, and not once it has ended', async () => {
    await using fixture = await ScheduleFixture.open();
    const schedule = await fixture.create({ id: 'a' });
    await fixture.lookAfter(HOUR_MS);
    await fixture.lookAfter(HOUR_MS);
    await fixture.end(schedule, 0, { state: 'cancelled', message: 'somebody cancelled it' });
    await fixture.lookAfter(HOUR_MS);
    assert.deepEqual(await fixture.states(schedule), ['cancelled', 'skipped', 'running']);
    const { runCount, successfulRuns, failedRuns } = await fixture.read(schedule);
    assert.deepEqual([runCount, successfulRuns, failedRuns], [2, 0, 1]);
  });

  it('neither doubles nor storms when the clock is set forward and back again', async () => {
    await using fixture = await ScheduleFixture.open();
    const { clock, jobs, runner } = fixture;
    const schedule = await fixture.create({ id: 'a', overlap: 'allow' });
    await fixture.lookAfter(HOUR_MS);
    clock.jumpWallClock(30 * DAY_MS);
    await runner.look();
    assert.equal(jobs.ids.length, 2);
    clock.jumpWallClock(-30 * DAY_MS - HOUR_MS);
    await runner.look();
    // The time that has had its run comes again, and is passed over; the one after it is run.
    assert.equal((await fixture.read(schedule)).nextRunAt, START + HOUR_MS);
    await fixture.lookAfter(HOUR_MS);
    assert.equal(jobs.ids.length, 2);
    await fixture.lookAfter(HOUR_MS);
    assert.deepEqual(jobs.ids.slice(2), [runJobId(schedule.id, START + 2 * HOUR_MS)]);
    assert.equal((await fixture.read(schedule)).nextRunAt, START + 3 * HOUR_MS);
  });

  for (const [what, backMs] of [
    ['some hours', 5 * HOUR_MS],
    ['a year', 365 * DAY_MS],
  ] as const) {
    it(`neither repeats nor stalls when the clock is set back by ${what}`, async () => {
      await using fixture = await ScheduleFixture.open();
      const { clock, jobs, secretBox, logged } = fixture;
      const asked: string[] = [];
      jobs.onSubmit = async ({ id = '' }) => void asked.push(id);
      const overlap = 'allow';
      await fixture.create({ id: 'cron', overlap });
      await fixture.create({ id: 'every', schedule: '@every 1h', overlap });
      await fixture.create({ id: 'late', overlap, missed: 'all', jitterMs: 10 * MINUTE_MS });
      const dues = new Set<number>();
      const note = () => dues.add(clock.nowMs() - (clock.nowMs() % HOUR_MS));
      const hours = async (count: number) => {
        for (let at = 0; at < count; at += 1) {
          await fixture.lookAfter(HOUR_MS);
          note();
        }
      };
      await hours(3);
      // One more is claimed by a process that dies of it.
      const dying = new FakeJobs();
      dying.refusal = () => new DroverError('unavailable', 'the connection broke');
      const { scheduleRuns: runs } = fixture.stores;
      const parts = { runs, jobs: dying, secretBox, clock, log: logged.log };
      await using dead = fixture.createRunner(new RunSubmitter(parts));
      await clock.advance(HOUR_MS + 15 * MINUTE_MS);
      note();
      await dead.look();
      clock.jumpWallClock(-backMs);
      assert.ok((await fixture.runner.look()) <= MINUTE_MS);
      await hours(9);
      const jobIds = ['cron', 'every', 'late'].flatMap((id) =>
        [...dues].map((due) => runJobId(id as ScheduleId, due)),
      );
      assert.equal(asked.length, jobIds.length);
      assert.deepEqual(new Set(asked), new Set<string>(jobIds));
    });
  }

  it('finds after a restart that the clock was set back while it was down', async () => {
    await using fixture = await ScheduleFixture.open();
    const { clock, jobs } = fixture;
    await clock.advance(400 * DAY_MS);
    const schedule = await fixture.create({ id: 'a' });
    clock.jumpWallClock(-400 * DAY_MS);
    await using restarted = fixture.createRunner();
    await restarted.look();
    assert.equal((await fixture.read(schedule)).nextRunAt, START + HOUR_MS);
    await clock.advance(HOUR_MS);
    await restarted.look();
    assert.equal(jobs.ids.length, 1);
  });

  it('follows the clocks of a zone through both changes', async () => {
    await using fixture = await ScheduleFixture.open();
    const { clock } = fixture;
    const schedule = await fixture.create({
      ...{ schedule: '30 2 * * *', timezone: 'Europe/Berlin', overlap: 'allow' },
    });
    const duesFrom = async (from: string) => {
      clock.jumpWallClock(Date.parse(from) - clock.nowMs());
      await fixture.service.disable(schedule.id);
      await fixture.service.enable(schedule.id);
      const before = (await fixture.service.runs(schedule.id, { limit: 100 })).length;
      for (let at = 0; at < 3 * 24 * 2; at += 1) await fixture.lookAfter(30 * MINUTE_MS);
      const runs = await fixture.service.runs(schedule.id, { limit: 100 });
      return runs
        .slice(0, runs.length - before)
        .map(({ startedAt = 0 }) => new Date(startedAt).toISOString().slice(5, 16))
        .toReversed();
    };
    assert.deepEqual(await duesFrom('2026-03-27T12:00:00Z'), [
      '03-28T01:30',
      '03-29T01:00',
      '03-30T00:30',
    ]);
    assert.deepEqual(await duesFrom('2026-10-23T12:00:00Z'), [
      '10-24T00:30',
      '10-25T00:30',
      '10-26T01:30',
    ]);
  });

  it('sets a schedule aside that cannot be read any more, and runs the others', async () => {
    await using fixture = await ScheduleFixture.open();
    const { stores, logged, jobs } = fixture;
    const broken = await fixture.create({ id: 'broken' });
    await fixture.create({ id: 'fine' });
    await stores.schedules.update(broken.id, (now) => ({ ...now, schedule: 'nonsense' }));
    await fixture.lookAfter(HOUR_MS);
    assert.deepEqual(
      jobs.submitted.map(({ scheduleId }) => scheduleId),
      ['fine'],
    );
    assert.equal((await fixture.read(broken)).nextRunAt, undefined);
    assert.match(logged.text(), /a schedule has no time any more/);
  });

  it('goes on after the database has failed it, and stops at once when told', async () => {
    await using fixture = await ScheduleFixture.open();
    const { clock, logged, stores } = fixture;
    await stores.database[Symbol.asyncDispose]();
    fixture.runner.start();
    await until(() => /trying again/.test(logged.text()) || undefined, 'a warning');
    await until(() => clock.pendingTimers === 1 || undefined, 'its nap');
    await fixture.runner[Symbol.asyncDispose]();
    assert.equal(clock.pendingTimers, 0);
  });
});
