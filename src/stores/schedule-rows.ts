/** Schedules and their runs as rows, and back. */
import type { Insertable, Selectable, Transaction } from 'kysely';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type {
  JobTemplate,
  MissedPolicy,
  OverlapPolicy,
  RunState,
  Schedule,
  ScheduleRun,
} from '#schedules/schedule.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Schema, ScheduleRunTable, ScheduleTable } from './schema.ts';

export function scheduleToRow(schedule: Schedule): Insertable<ScheduleTable> {
  return {
    id: schedule.id,
    ...settingsToRow(schedule),
    created_at: schedule.createdAt,
    last_due_at: null,
    last_run_at: schedule.lastRunAt ?? null,
    run_count: schedule.runCount,
    successful_runs: schedule.successfulRuns,
    failed_runs: schedule.failedRuns,
  };
}

/** What its owner changes, and what follows from it. */
export function settingsToRow(schedule: Schedule) {
  return {
    name: schedule.name,
    description: schedule.description,
    schedule: schedule.schedule,
    timezone: schedule.timezone,
    is_enabled: schedule.enabled ? 1 : 0,
    template: JSON.stringify(schedule.template),
    missed: schedule.missed,
    overlap: schedule.overlap,
    jitter_ms: schedule.jitterMs,
    tags: JSON.stringify(schedule.tags),
    updated_at: schedule.updatedAt,
    next_due_at: schedule.nextDueAt ?? null,
    next_run_at: schedule.nextRunAt ?? null,
  };
}

export function rowToSchedule(row: Selectable<ScheduleTable>): Schedule {
  return {
    id: row.id as ScheduleId,
    name: row.name,
    description: row.description,
    schedule: row.schedule,
    timezone: row.timezone,
    enabled: row.is_enabled === 1,
    template: rowToTemplate(row.template),
    missed: row.missed as MissedPolicy,
    overlap: row.overlap as OverlapPolicy,
    jitterMs: row.jitter_ms,
    tags: JSON.parse(row.tags) as string[],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    nextDueAt: row.next_due_at ?? undefined,
    nextRunAt: row.next_run_at ?? undefined,
    lastRunAt: row.last_run_at ?? undefined,
    runCount: row.run_count,
    successfulRuns: row.successful_runs,
    failedRuns: row.failed_runs,
  };
}

/** What is undefined has no place in JSON, and is there again as what it is. */
function rowToTemplate(text: string): JobTemplate {
  const template = JSON.parse(text) as JobTemplate;
  const { name, sealedSecrets, priority, maxAttempts, lanes } = template;
  return { ...template, name, sealedSecrets, priority, maxAttempts, lanes };
}

export function rowToRun(row: Selectable<ScheduleRunTable>): ScheduleRun {
  return {
    sequence: row.sequence,
    scheduleId: row.schedule_id as ScheduleId,
    dueAt: row.due_at,
    isManual: row.is_manual === 1,
    state: row.state as RunState,
    jobId: row.submitted_at === null ? undefined : (row.job_id as JobId),
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    message: row.message ?? undefined,
  };
}

/**
 * To the end of the transaction nobody else changes the schedule, claims it, or ends one of its
 * runs. Whoever touches runs takes this first.
 */
export async function lockSchedule(
  trx: Transaction<Schema>,
  { supportsRowLocks }: Dialect,
  id: string,
): Promise<Schedule | undefined> {
  const query = trx.selectFrom('schedules').selectAll().where('id', '=', id);
  const row = await (supportsRowLocks ? query.forUpdate() : query).executeTakeFirst();
  return row && rowToSchedule(row);
}
