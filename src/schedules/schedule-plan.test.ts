import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScheduleId } from '#kernel/ids.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { decideOverlap, planDue, planNext } from './schedule-plan.ts';
import { parseScheduleTime } from './schedule-time.ts';
import type { MissedPolicy } from './schedule.ts';

const HOURLY = parseScheduleTime('@hourly', { fallback: 'UTC' });
const START = Date.UTC(2026, 0, 15, 12);
const ID = 'nightly' as ScheduleId;

/** Hours after the start: what is run, and what is named as missed. */
function planAt(missed: MissedPolicy, afterMs: number) {
  const nowMs = START + afterMs;
  const plan = planDue({ id: ID, jitterMs: 0, missed }, HOURLY, { firstMs: START, nowMs });
  const hours = (isSkipped: boolean) =>
    plan.runs
      .filter(({ skipped }) => (skipped !== undefined) === isSkipped)
      .map(({ dueAt }) => (dueAt - START) / HOUR_MS);
  const next = ((plan.next.nextDueAt ?? 0) - START) / HOUR_MS;
  return { run: hours(false), skipped: hours(true), next };
}

describe('planDue', () => {
  for (const [missed, afterMs, expected] of [
    ['skip', 0, { run: [0], skipped: [], next: 1 }],
    ['once', 0, { run: [0], skipped: [], next: 1 }],
    ['all', 0, { run: [0], skipped: [], next: 1 }],
    ['skip', 2 * MINUTE_MS, { run: [0], skipped: [], next: 1 }],
    ['skip', 2 * MINUTE_MS + 1, { run: [], skipped: [0], next: 1 }],
    ['once', 30 * MINUTE_MS, { run: [0], skipped: [], next: 1 }],
    ['skip', 3 * HOUR_MS + MINUTE_MS, { run: [3], skipped: [2], next: 4 }],
    ['skip', 3.5 * HOUR_MS, { run: [], skipped: [3], next: 4 }],
    ['once', 3.5 * HOUR_MS, { run: [3], skipped: [2], next: 4 }],
    ['all', 3.5 * HOUR_MS, { run: [0, 1, 2, 3], skipped: [], next: 4 }],
  ] as const) {
    it(`with ${missed} runs ${expected.run.length} of them ${afterMs / MINUTE_MS} min late`, () => {
      assert.deepEqual(planAt(missed, afterMs), expected);
    });
  }

  it('catches up with a hundred at most, and tells of the others in one line', () => {
    const { run, skipped, next } = planAt('all', 20_000 * HOUR_MS);
    assert.equal(run.length, 100);
    assert.deepEqual([run[0], run.at(-1)], [19_901, 20_000]);
    assert.deepEqual(skipped, [19_900]);
    assert.equal(next, 20_001);
    const nowMs = START + 2.5 * HOUR_MS;
    const skip = { id: ID, jitterMs: 0, missed: 'skip' } as const;
    const [line] = planDue(skip, HOURLY, { firstMs: START, nowMs }).runs;
    assert.match(line?.skipped ?? '', /the times from 2026-01-15T12:00:00.000Z to this one passed/);
  });

  it('puts runs off by a jitter that is the same everywhere and never reaches the next', () => {
    const schedule = { id: ID, jitterMs: HOUR_MS, missed: 'once' } as const;
    const offsets = Array.from({ length: 24 }, (_, at) => {
      const from = { afterMs: START + at * HOUR_MS, anchorMs: START };
      const next = planNext(schedule, HOURLY, from);
      assert.deepEqual(planNext(schedule, HOURLY, from), next);
      return (next.nextRunAt ?? 0) - (next.nextDueAt ?? 0);
    });
    assert.ok(offsets.every((offset) => offset >= 0 && offset < HOUR_MS / 2));
    assert.ok(new Set(offsets).size > 20);
    const second = { ...schedule, jitterMs: SECOND_MS };
    const { nextDueAt, nextRunAt } = planNext(second, HOURLY, { afterMs: START, anchorMs: START });
    assert.ok((nextRunAt ?? 0) - (nextDueAt ?? 0) < SECOND_MS);
  });

  it('leaves a time whose jitter has not passed for later', () => {
    const schedule = { id: ID, jitterMs: HOUR_MS, missed: 'all' } as const;
    const { nextDueAt = 0, nextRunAt = 0 } = planNext(schedule, HOURLY, {
      afterMs: START,
      anchorMs: START,
    });
    const plan = planDue(schedule, HOURLY, { firstMs: START, nowMs: nextRunAt - 1 });
    assert.deepEqual(plan.runs, [{ dueAt: START, skipped: undefined }]);
    assert.deepEqual(plan.next, { nextDueAt, nextRunAt });
  });
});

describe('decideOverlap', () => {
  for (const [overlap, openRuns, kind] of [
    ['skip', 0, 'submit'],
    ['queue', 0, 'submit'],
    ['allow', 0, 'submit'],
    ['skip', 1, 'skip'],
    ['queue', 1, 'wait'],
    ['allow', 1, 'submit'],
    ['queue', 100, 'skip'],
    ['allow', 100, 'skip'],
  ] as const) {
    it(`with ${overlap} and ${openRuns} open runs says ${kind}`, () => {
      assert.equal(decideOverlap(overlap, openRuns).kind, kind);
    });
  }
});
