/** What every ScheduleRunStore does, beside the ScheduleStore over the same tables. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DomainEvent } from '#events/event.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import { HOUR_MS, MINUTE_MS } from '#kernel/units.ts';
import type { PlannedRun } from '#schedules/schedule-plan.ts';
import type { DueClaim } from '#schedules/schedule-run-store.ts';
import { runJobId, type Schedule } from '#schedules/schedule.ts';
import { appendEvents } from '#stores/event-writer.ts';
import { recordScheduleOutcome, type ScheduleOutcome } from '#stores/schedule-outcomes.ts';
import type { OpenStores } from '#test/contract/databases.ts';
import { insertAll, NOW, scheduleOf } from './schedule-store.ts';

const RUN: readonly PlannedRun[] = [{ dueAt: NOW, skipped: undefined }];

function claimOf(schedule: Schedule, runs: readonly PlannedRun[] = RUN): DueClaim {
  const nextDueAt = (schedule.nextDueAt ?? 0) + HOUR_MS;
  return { schedule, plan: { runs, next: { nextDueAt, nextRunAt: nextDueAt } } };
}

/** As the store of jobs does it. */
async function endJob(
  { database }: OpenStores,
  jobId: JobId,
  choices: Partial<ScheduleOutcome> = {},
): Promise<readonly DomainEvent[]> {
  const scheduleId = 'a' as ScheduleId;
  const usual = { jobId, scheduleId, state: 'completed', at: NOW + 5, message: 'm' } as const;
  const outcome: ScheduleOutcome = { ...usual, ...choices };
  return await database.write(async (trx) => {
    const events = await recordScheduleOutcome(trx, database.dialect, outcome);
    await appendEvents(trx, database.dialect, { at: NOW, events });
    return events;
  });
}

async function kindsIn({ events }: OpenStores): Promise<string[]> {
  return (await events.read({ afterId: 0, limit: 1000 })).map(({ event }) => event.kind);
}

async function statesIn({ scheduleRuns }: OpenStores, id = 'a'): Promise<string[]> {
  const runs = await scheduleRuns.list({ scheduleId: id as ScheduleId, limit: 1000 });
  return runs.map(({ state }) => state);
}

async function countersOf({ schedules }: OpenStores, id = 'a'): Promise<readonly number[]> {
  const schedule = await schedules.find(id as ScheduleId);
  assert.ok(schedule);
  return [schedule.runCount, schedule.successfulRuns, schedule.failedRuns];
}

export function itKeepsScheduleRuns(open: () => Promise<OpenStores>): void {
  it('removes a schedule with its history', async () => {
    await using stores = await open();
    const { schedules, scheduleRuns } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    await scheduleRuns.claim([claimOf(schedule)], NOW);
    assert.equal(await schedules.remove(schedule.id), true);
    assert.equal(await schedules.remove(schedule.id), false);
    assert.deepEqual(await statesIn(stores), []);
    assert.deepEqual(await endJob(stores, runJobId(schedule.id, NOW)), []);
  });

  it('finds what is due, the longest overdue first, and when the next is', async () => {
    await using stores = await open();
    const { scheduleRuns } = stores;
    assert.equal(await scheduleRuns.nextRunAt(), undefined);
    await insertAll(
      stores,
      scheduleOf('a', { nextRunAt: NOW - 1 }),
      scheduleOf('b', { nextRunAt: NOW - 2 }),
      scheduleOf('c', { nextRunAt: NOW + 1 }),
      scheduleOf('d', { nextRunAt: undefined, nextDueAt: undefined, enabled: false }),
    );
    const due = async (ms: number, limit: number) =>
      (await scheduleRuns.listDue(ms, limit)).map(({ id }) => id).join('');
    assert.equal(await due(NOW, 10), 'ba');
    assert.equal(await due(NOW + 1, 2), 'ba');
    assert.equal(await due(NOW + 1, 3), 'bac');
    assert.equal(await scheduleRuns.nextRunAt(), NOW - 2);
  });

  it('lets one of many claim a due time, with its event in the same transaction', async () => {
    await using stores = await open();
    const { scheduleRuns, schedules, events, eventSignal } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    const woken = eventSignal.next();
    const claims = await Promise.all(
      [1, 2, 3, 4].map(() => scheduleRuns.claim([claimOf(schedule)], NOW + 3)),
    );
    await woken;
    const jobId = runJobId(schedule.id, NOW);
    assert.deepEqual(claims.flat(), [{ schedule, jobId, dueAt: NOW }]);
    const [recorded, ...others] = await events.read({ afterId: 0, limit: 10 });
    assert.equal(others.length, 0);
    assert.deepEqual(recorded?.event, {
      ...{ kind: 'schedule.triggered', scheduleId: 'a', scheduleName: 'Schedule a', jobId },
      ...{ isManual: false, message: 'it was due at 2023-11-14T22:13:20.000Z' },
    });
    assert.deepEqual(await schedules.find(schedule.id), {
      ...schedule,
      ...{ nextDueAt: NOW + HOUR_MS, nextRunAt: NOW + HOUR_MS, lastRunAt: NOW + 3, runCount: 1 },
    });
    const [run] = await scheduleRuns.list({ scheduleId: schedule.id, limit: 10 });
    assert.deepEqual(run, {
      ...{ sequence: run?.sequence, scheduleId: 'a', dueAt: NOW, isManual: false },
      ...{ state: 'submitting', jobId: undefined, startedAt: NOW + 3, endedAt: undefined },
      message: undefined,
    });
  });

  it('claims nothing of a changed schedule, and gives no due time two runs', async () => {
    await using stores = await open();
    const { scheduleRuns, schedules } = stores;
    const schedule = scheduleOf('a', { overlap: 'allow' });
    await insertAll(stores, schedule);
    const changed = await schedules.update(schedule.id, (now) => ({ ...now, name: 'other' }));
    assert.ok(changed);
    assert.deepEqual(await scheduleRuns.claim([claimOf(schedule)], NOW), []);
    assert.equal((await scheduleRuns.claim([claimOf(changed)], NOW)).length, 1);
    // The clock is set back, the schedule with it, and the same time comes again.
    const moved = await schedules.find(schedule.id);
    assert.ok(moved);
    assert.deepEqual(await scheduleRuns.listAheadOf(NOW - 1), [moved]);
    assert.deepEqual(await scheduleRuns.listAheadOf(NOW + 1), []);
    await scheduleRuns.moveTo(moved, { nextDueAt: NOW, nextRunAt: NOW });
    const again = await schedules.find(schedule.id);
    assert.ok(again);
    assert.deepEqual(await scheduleRuns.claim([claimOf(again)], NOW), []);
    assert.deepEqual(await statesIn(stores), ['submitting']);
    assert.deepEqual(await countersOf(stores), [1, 0, 0]);
    assert.deepEqual(await kindsIn(stores), ['schedule.triggered']);
  });

  it('writes down what was skipped, without an event', async () => {
    await using stores = await open();
    const { scheduleRuns } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    const runs = [{ dueAt: NOW - 1, skipped: 'missed' }, ...RUN];
    assert.equal((await scheduleRuns.claim([claimOf(schedule, runs)], NOW)).length, 1);
    assert.deepEqual(await statesIn(stores), ['submitting', 'skipped']);
    assert.deepEqual(await countersOf(stores), [1, 0, 0]);
    assert.equal((await kindsIn(stores)).length, 1);
  });

  for (const [overlap, expected] of [
    ['skip', ['skipped', 'submitting']],
    ['queue', ['waiting', 'submitting']],
    ['allow', ['submitting', 'submitting']],
  ] as const) {
    it(`with ${overlap} makes a second run ${expected[0]} while the first goes on`, async () => {
      await using stores = await open();
      const schedule = scheduleOf('a', { overlap });
      await insertAll(stores, schedule);
      const runs = [...RUN, { dueAt: NOW + 1, skipped: undefined }];
      await stores.scheduleRuns.claim([claimOf(schedule, runs)], NOW);
      assert.deepEqual(await statesIn(stores), expected);
    });
  }

  it('begins what waits when the run before has ended, one at a time, in order', async () => {
    await using stores = await open();
    const { scheduleRuns, schedules } = stores;
    const schedule = scheduleOf('a', { overlap: 'queue' });
    await insertAll(stores, schedule);
    const dues = [NOW, NOW + 1, NOW + 2];
    const runs = dues.map((dueAt) => ({ dueAt, skipped: undefined }));
    await scheduleRuns.claim([claimOf(schedule, runs)], NOW);
    assert.equal(await scheduleRuns.hasWaiting(), true);
    assert.deepEqual(await scheduleRuns.claimWaiting(NOW, 10), []);
    await endJob(stores, runJobId(schedule.id, NOW));
    const begun = await Promise.all([1, 2, 3].map(() => scheduleRuns.claimWaiting(NOW + 9, 10)));
    assert.deepEqual(
      begun.flat().map(({ dueAt }) => dueAt),
      [NOW + 1],
    );
    assert.deepEqual(await statesIn(stores), ['waiting', 'submitting', 'completed']);
    assert.deepEqual(await countersOf(stores), [2, 1, 0]);
    await schedules.update(schedule.id, (now) => ({ ...now, enabled: false }));
    await endJob(stores, runJobId(schedule.id, NOW + 1));
    assert.deepEqual(await scheduleRuns.claimWaiting(NOW + 9, 10), []);
    assert.deepEqual(await statesIn(stores), ['skipped', 'completed', 'completed']);
    assert.equal(await scheduleRuns.hasWaiting(), false);
  });

  it('counts what the jobs came to, each once, and the last word of one tried again', async () => {
    await using stores = await open();
    const { scheduleRuns } = stores;
    const schedule = scheduleOf('a', { overlap: 'allow' });
    await insertAll(stores, schedule);
    const dues = [NOW, NOW + 1, NOW + 2];
    const runs = dues.map((dueAt) => ({ dueAt, skipped: undefined }));
    await scheduleRuns.claim([claimOf(schedule, runs)], NOW);
    const [one, two, three] = dues.map((dueAt) => runJobId(schedule.id, dueAt));
    assert.ok(one && two && three);
    await scheduleRuns.markSubmitted([one, two], NOW + 4);
    const [event] = await endJob(stores, one, { state: 'failed', message: 'no space' });
    assert.deepEqual(event, {
      ...{ kind: 'schedule.failed', machineId: undefined, customerId: undefined, jobId: one },
      ...{ scheduleId: 'a', scheduleName: 'Schedule a', isManual: false, message: 'no space' },
    });
    assert.deepEqual(await endJob(stores, one, { state: 'failed' }), []);
    await endJob(stores, two, { state: 'cancelled' });
    // It ended before it was known to be submitted.
    const [good] = await endJob(stores, three);
    assert.equal(good?.kind, 'schedule.completed');
    await scheduleRuns.markSubmitted([three], NOW + 6);
    assert.deepEqual(await statesIn(stores), ['completed', 'cancelled', 'failed']);
    assert.deepEqual(await countersOf(stores), [3, 1, 2]);
    await endJob(stores, one);
    assert.deepEqual(await countersOf(stores), [3, 2, 1]);
    const run = await scheduleRuns.find(one);
    assert.deepEqual([run?.state, run?.message, run?.jobId], ['completed', undefined, one]);
    assert.deepEqual(await endJob(stores, 'stranger' as JobId), []);
    assert.deepEqual(await endJob(stores, two, { scheduleId: 'b' as ScheduleId }), []);
  });

  it('makes a refused run a failed one without a job, once', async () => {
    await using stores = await open();
    const { scheduleRuns, events } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    await scheduleRuns.claim([claimOf(schedule)], NOW);
    const jobId = runJobId(schedule.id, NOW);
    await scheduleRuns.refuse(jobId, 'no such kind', NOW + 2);
    await scheduleRuns.refuse(jobId, 'no such kind', NOW + 3);
    const run = await scheduleRuns.find(jobId);
    assert.deepEqual([run?.state, run?.jobId, run?.endedAt], ['failed', undefined, NOW + 2]);
    assert.equal(run?.message, 'no such kind');
    assert.deepEqual(await countersOf(stores), [1, 0, 1]);
    const [, failed, ...others] = await events.read({ afterId: 0, limit: 10 });
    assert.equal(others.length, 0);
    assert.equal(failed?.event.kind, 'schedule.failed');
  });

  it('runs out of turn beside whatever else runs, up to a limit', async () => {
    await using stores = await open();
    const { scheduleRuns } = stores;
    const schedule = scheduleOf('a', { enabled: false });
    await insertAll(stores, schedule);
    const manual = (at: number) =>
      scheduleRuns.claimManual(schedule.id, `job-${at}` as JobId, NOW + at);
    for (let at = 0; at < 100; at += 1) await manual(at);
    await assert.rejects(manual(100), { kind: 'resource_exhausted', reason: 'TOO_MANY_RUNS' });
    const run = await scheduleRuns.find('job-7' as JobId);
    assert.deepEqual([run?.isManual, run?.state, run?.dueAt], [true, 'submitting', NOW + 7]);
    assert.equal(await scheduleRuns.claimManual('b' as ScheduleId, 'x' as JobId, NOW), undefined);
    assert.deepEqual(await countersOf(stores), [100, 0, 0]);
  });

  it('gives what was claimed and not submitted to one other process, after a while', async () => {
    await using stores = await open();
    const { scheduleRuns } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    await scheduleRuns.claim([claimOf(schedule)], NOW);
    const at = (nowMs: number) => scheduleRuns.reclaim({ nowMs, staleMs: MINUTE_MS, limit: 10 });
    assert.deepEqual(await at(NOW + MINUTE_MS - 1), []);
    const both = await Promise.all([at(NOW + MINUTE_MS), at(NOW + MINUTE_MS)]);
    assert.deepEqual(
      both.flat().map(({ jobId }) => jobId),
      [runJobId(schedule.id, NOW)],
    );
    assert.deepEqual(await at(NOW + 2 * MINUTE_MS - 1), []);
    // The clock was set back since: nobody can have claimed it in the future.
    assert.equal((await at(NOW - HOUR_MS)).length, 1);
    await scheduleRuns.markSubmitted([runJobId(schedule.id, NOW)], NOW);
    assert.deepEqual(await at(NOW + HOUR_MS), []);
  });

  it('keeps the newest thousand runs, and those that have not ended', async () => {
    await using stores = await open();
    const { scheduleRuns, schedules } = stores;
    const schedule = scheduleOf('a');
    await insertAll(stores, schedule);
    const skipped = Array.from({ length: 1005 }, (_, at) => ({ dueAt: NOW + at, skipped: 's' }));
    const first = { dueAt: NOW - 1, skipped: undefined };
    await scheduleRuns.claim([claimOf(schedule, [first, ...skipped])], NOW);
    const runs = await scheduleRuns.list({ scheduleId: schedule.id, limit: 2000 });
    assert.equal(runs.length, 1001);
    assert.deepEqual([runs[0]?.dueAt, runs.at(-1)?.dueAt], [NOW + 1004, NOW - 1]);
    const before = runs[2]?.sequence;
    const page = await scheduleRuns.list({ scheduleId: schedule.id, before, limit: 2 });
    assert.deepEqual(page, runs.slice(3, 5));
    assert.equal((await schedules.find(schedule.id))?.runCount, 1);
  });
}
