/**
 * What the end of a job means for the schedule that made it. Written in the transaction that ends
 * the job, so that a schedule's counters are what its jobs really came to.
 */
import type { Transaction } from 'kysely';
import type { DomainEvent, ScheduleEvent } from '#events/event.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type { Schedule } from '#schedules/schedule.ts';
import type { Dialect } from './dialects/dialect.ts';
import { lockSchedule } from './schedule-rows.ts';
import type { Schema } from './schema.ts';

export interface ScheduleOutcome {
  readonly jobId: JobId;
  readonly scheduleId: ScheduleId;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly at: number;
  /** Why it failed; a sentence for people. */
  readonly message: string;
}

/**
 * Answers the events to append. A job that ends once more, because it was tried again, counts as
 * what it came to last. One that the schedule does not know, or no longer, changes nothing.
 */
export async function recordScheduleOutcome(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { jobId, scheduleId, state, at, message }: ScheduleOutcome,
): Promise<readonly DomainEvent[]> {
  const schedule = await lockSchedule(trx, dialect, scheduleId);
  if (schedule === undefined) return [];
  const run = await trx
    .selectFrom('schedule_runs')
    .select(['state', 'is_manual', 'submitted_at'])
    .where('job_id', '=', jobId)
    .where('schedule_id', '=', scheduleId)
    .executeTakeFirst();
  if (run === undefined || run.state === state) return [];
  await trx
    .updateTable('schedule_runs')
    .set({ state, is_open: 0, ended_at: at, submitted_at: run.submitted_at ?? at })
    .set({ message: state === 'completed' ? null : message })
    .where('job_id', '=', jobId)
    .execute();
  await count(trx, schedule, { before: run.state, after: state });
  const isManual = run.is_manual === 1;
  return [outcomeEvent(schedule, { jobId, isManual, message, isGood: state === 'completed' })];
}

interface Ended {
  readonly jobId: JobId | undefined;
  readonly isManual: boolean;
  readonly isGood: boolean;
  readonly message: string;
}

export function outcomeEvent(schedule: Schedule, ended: Ended): ScheduleEvent {
  const { jobId, isManual, isGood, message } = ended;
  return {
    kind: isGood ? 'schedule.completed' : 'schedule.failed',
    ...{ machineId: undefined, customerId: undefined },
    ...{ scheduleId: schedule.id, scheduleName: schedule.name, jobId, isManual, message },
  };
}

async function count(
  trx: Transaction<Schema>,
  schedule: Schedule,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<void> {
  const good = Number(isGood(after)) - Number(isGood(before));
  const bad = Number(isBad(after)) - Number(isBad(before));
  await trx
    .updateTable('schedules')
    .set({ successful_runs: schedule.successfulRuns + good })
    .set({ failed_runs: schedule.failedRuns + bad })
    .where('id', '=', schedule.id)
    .execute();
}

function isGood(state: string): boolean {
  return state === 'completed';
}

function isBad(state: string): boolean {
  return state === 'failed' || state === 'cancelled';
}
