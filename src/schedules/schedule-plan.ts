/**
 * Which runs a schedule has at an instant, and when it is due again. A pure function of the
 * schedule and the clock, so that it is a table in its test.
 *
 * Of the due times that have come, the newest is on time for two minutes. All the others were
 * missed: the server was down, or somebody set the clock.
 */
import { toIsoTime } from '#kernel/clock.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { ScheduleTime } from './schedule-time.ts';
import {
  jitterFraction,
  type OverlapPolicy,
  type Schedule,
  type ScheduleNext,
} from './schedule.ts';

/** The runner looks at least every minute. */
const ON_TIME_MS = 2 * MINUTE_MS;
const MOST_CAUGHT_UP = 100;
/** Runs of one schedule that have not ended, waiting ones included. */
export const MOST_OPEN_RUNS = 100;

export interface PlannedRun {
  readonly dueAt: number;
  /** Why it is not to be run; undefined when it is. */
  readonly skipped: string | undefined;
}

export interface DuePlan {
  /** In order of their due times. */
  readonly runs: readonly PlannedRun[];
  readonly next: ScheduleNext;
}

type Planned = Pick<Schedule, 'id' | 'jitterMs'>;

/** The first run after an instant. */
export function planNext(
  schedule: Planned,
  time: ScheduleTime,
  { afterMs, anchorMs }: { readonly afterMs: number; readonly anchorMs: number },
): ScheduleNext {
  const nextDueAt = time.nextAfter(afterMs, anchorMs);
  return { nextDueAt, nextRunAt: runAt(schedule, time, nextDueAt) };
}

/** For a schedule whose next run has come. */
export function planDue(
  schedule: Planned & Pick<Schedule, 'missed'>,
  time: ScheduleTime,
  { firstMs, nowMs }: { readonly firstMs: number; readonly nowMs: number },
): DuePlan {
  const newest = newestDues(schedule.missed, time, { firstMs, nowMs });
  const come = newest.filter((dueAt) => dueAt >= firstMs && runAt(schedule, time, dueAt) <= nowMs);
  // The rules of a zone can change, and with them what was due.
  const dues = come.length === 0 ? [firstMs] : come;
  const lastMs = dues.at(-1) ?? firstMs;
  const isOnTime = nowMs - runAt(schedule, time, lastMs) <= ON_TIME_MS;
  const wanted = dues.slice(dues.length - countWanted(schedule.missed, isOnTime, dues.length));
  const dropped = dues.filter((dueAt) => !wanted.includes(dueAt)).at(-1);
  const runs = wanted.map((dueAt) => ({ dueAt, skipped: undefined }));
  return {
    runs: dropped === undefined ? runs : [missedRun(firstMs, dropped), ...runs],
    next: planNext(schedule, time, { afterMs: lastMs, anchorMs: firstMs }),
  };
}

/** As many as can matter: those to run, one before them, and one that has yet to wait. */
function newestDues(
  missed: Schedule['missed'],
  time: ScheduleTime,
  { firstMs, nowMs }: { readonly firstMs: number; readonly nowMs: number },
): readonly number[] {
  // Looking back is dear, and most of the time there is nothing to see.
  if (time.nextAfter(firstMs, firstMs) > nowMs) return [firstMs];
  return time.through(nowMs, firstMs, missed === 'all' ? MOST_CAUGHT_UP + 2 : 3);
}

function countWanted(missed: Schedule['missed'], isOnTime: boolean, count: number): number {
  switch (missed) {
    case 'skip':
      return isOnTime ? 1 : 0;
    case 'once':
      return 1;
    case 'all':
      return Math.min(count, MOST_CAUGHT_UP);
  }
}

/** One line of the history stands for all of them: there may be thousands. */
function missedRun(firstMs: number, lastMs: number): PlannedRun {
  const times =
    firstMs === lastMs ? 'this time' : `the times from ${toIsoTime(firstMs)} to this one`;
  return { dueAt: lastMs, skipped: `${times} passed while no server ran schedules` };
}

/** Never so late that it comes near the next due time. */
function runAt({ id, jitterMs }: Planned, time: ScheduleTime, dueAt: number): number {
  if (jitterMs === 0) return dueAt;
  const room = (time.nextAfter(dueAt, dueAt) - dueAt) / 2;
  return dueAt + Math.floor(jitterFraction(id, dueAt) * Math.min(jitterMs, room));
}

export type OverlapDecision =
  | { readonly kind: 'submit' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'skip'; readonly message: string };

/** For a due time, when so many runs of the schedule have not ended. */
export function decideOverlap(overlap: OverlapPolicy, openRuns: number): OverlapDecision {
  if (openRuns === 0) return { kind: 'submit' };
  if (openRuns >= MOST_OPEN_RUNS) {
    return { kind: 'skip', message: `${openRuns} runs have not ended; no more are begun` };
  }
  switch (overlap) {
    case 'skip':
      return { kind: 'skip', message: 'the run before has not ended' };
    case 'queue':
      return { kind: 'wait' };
    case 'allow':
      return { kind: 'submit' };
  }
}
