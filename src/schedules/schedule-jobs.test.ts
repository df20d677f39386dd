/** Schedules with the real jobs: what the one says of the other is what happened. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobHandler } from '#jobs/job-handler.ts';
import { JobRunner } from '#jobs/job-runner.ts';
import { JobService } from '#jobs/job-service.ts';
import { DroverError } from '#kernel/errors.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { HOUR_MS } from '#kernel/units.ts';
import { ScheduleFixture } from '#test/schedule-fixture.ts';
import { until } from '#test/until.ts';
import { RunSubmitter } from './run-submitter.ts';

describe('a schedule and its jobs', () => {
  it('counts jobs as they end, tells of each once, and makes no second of a run', async () => {
    await using fixture = await ScheduleFixture.open();
    const { stores, secretBox, logged } = fixture;
    const { clock, scheduleRuns: runs } = stores;
    const passwords: (string | undefined)[] = [];
    const handler: JobHandler = {
      kind: 'migration',
      run: async ({ job, secrets }) => {
        passwords.push(secrets['password']);
        if (job.subject === 'bad') throw new DroverError('invalid_argument', 'it is bad');
        return {};
      },
      cleanUp: () => Promise.resolve([]),
    };
    const parts = { store: stores.jobs, handlers: [handler], secretBox, clock };
    const jobs = new JobService(parts);
    const submitter = new RunSubmitter({ runs, jobs, secretBox, clock, log: logged.log });
    await using scheduler = fixture.createRunner(submitter);
    const secrets = { password: 'hunter2' };
    for (const subject of ['good', 'bad', 'idle']) {
      const template = { kind: 'migration', subject, spec: { to: subject }, secrets };
      await fixture.create({ id: subject, template });
    }
    await fixture.create({ id: 'stranger', template: { kind: 'none', subject: 's', spec: {} } });
    await clock.advance(HOUR_MS);
    await scheduler.look();
    const [idle] = await fixture.service.runs('idle', { limit: 1 });
    assert.deepEqual([idle?.state, idle?.jobId?.length], ['running', 36]);
    const { cancelled } = await jobs.cancel({ ids: [idle?.jobId ?? ''] });
    assert.deepEqual(cancelled, [idle?.jobId]);
    await using runner = new JobRunner({
      ...{ ...parts, log: logged.log, metrics: new MetricsRegistry(), holder: 'host-1' },
      limits: { slots: 2, lanes: {} },
    });
    await runner.start();
    const ended = await until(async () => {
      await clock.advance(100);
      const stats = await fixture.service.stats();
      return stats.successfulRuns + stats.failedRuns === 4 ? stats : undefined;
    }, 'the ends of all runs');
    assert.deepEqual([ended.totalRuns, ended.successfulRuns, ended.failedRuns], [4, 1, 3]);
    assert.deepEqual(passwords, ['hunter2', 'hunter2']);
    const stateOf = async (id: string) => (await fixture.service.runs(id, { limit: 9 }))[0];
    assert.equal((await stateOf('good'))?.state, 'completed');
    assert.equal((await stateOf('idle'))?.state, 'cancelled');
    assert.match((await stateOf('bad'))?.message ?? '', /it is bad/);
    assert.match((await stateOf('stranger'))?.message ?? '', /kind/);
    const recorded = await stores.events.read({ afterId: 0, limit: 1000 });
    const ends = recorded.filter(({ event }) => /^schedule\.(comp|fail)/.test(event.kind));
    assert.equal(ends.length, 4);
  });
});
