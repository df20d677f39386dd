/** The steps of claiming runs, each inside the transaction that holds the schedule's row. */
import { sql, type Insertable, type Transaction } from 'kysely';
import type { ScheduleEvent } from '#events/event.ts';
import { toIsoTime } from '#kernel/clock.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import { decideOverlap, type PlannedRun } from '#schedules/schedule-plan.ts';
import type { ClaimedRun, DueClaim } from '#schedules/schedule-run-store.ts';
import { runJobId, type Schedule, type ScheduleNext } from '#schedules/schedule.ts';
import type { Schema, ScheduleRunTable } from './schema.ts';

/** Of each schedule; what has not ended stays in any case. */
const RUNS_KEPT = 1000;
/** In the words of the index over what is open. */
export const IS_OPEN = sql.lit(1);

/** False when somebody else has moved or changed it since it was read. */
export async function moveOn(
  trx: Transaction<Schema>,
  { id, updatedAt, nextDueAt }: Schedule,
  next: ScheduleNext,
  claim?: DueClaim,
): Promise<boolean> {
  const lastDueAt = claim?.plan.runs.at(-1)?.dueAt;
  const moved = await trx
    .updateTable('schedules')
    .set({ next_due_at: next.nextDueAt ?? null, next_run_at: next.nextRunAt ?? null })
    .$if(lastDueAt !== undefined, (due) => due.set({ last_due_at: lastDueAt ?? null }))
    .where('id', '=', id)
    .where('updated_at', '=', updatedAt)
    .where('next_due_at', '=', nextDueAt ?? -1)
    .executeTakeFirst();
  return moved.numUpdatedRows > 0n;
}

/** The schedule's row is ours since it was moved on. */
export async function insertRuns(
  trx: Transaction<Schema>,
  { schedule, plan }: DueClaim,
  atMs: number,
): Promise<readonly ClaimedRun[]> {
  const claimed: ClaimedRun[] = [];
  let openRuns = await countOpen(trx, schedule.id);
  for (const planned of plan.runs) {
    const row = decide(schedule, planned, { openRuns, atMs });
    const inserted = await trx
      .insertInto('schedule_runs')
      .values(row)
      .onConflict((conflict) => conflict.column('job_id').doNothing())
      .executeTakeFirst();
    // The clock was set back, and this time has had its run.
    if (inserted.numInsertedOrUpdatedRows !== 1n) continue;
    openRuns += row.is_open;
    if (row.state !== 'submitting') continue;
    claimed.push({ schedule, jobId: row.job_id as JobId, dueAt: planned.dueAt });
  }
  if (claimed.length > 0) await countRuns(trx, schedule, claimed.length, atMs);
  await trim(trx, schedule.id);
  return claimed;
}

function decide(
  schedule: Schedule,
  { dueAt, skipped }: PlannedRun,
  { openRuns, atMs }: { readonly openRuns: number; readonly atMs: number },
): Insertable<ScheduleRunTable> {
  const row = runRow(schedule, runJobId(schedule.id, dueAt), dueAt);
  if (skipped !== undefined) return { ...row, ...skippedAt(atMs, skipped) };
  const decision = decideOverlap(schedule.overlap, openRuns);
  switch (decision.kind) {
    case 'submit':
      return { ...row, ...begun(atMs) };
    case 'wait':
      return { ...row, state: 'waiting', is_open: 1 };
    case 'skip':
      return { ...row, ...skippedAt(atMs, decision.message) };
  }
}

export function runRow({ id }: Schedule, jobId: JobId, dueAt: number) {
  return {
    ...{ schedule_id: id, job_id: jobId, due_at: dueAt, is_manual: 0 },
    ...{ claimed_at: null, started_at: null, submitted_at: null, ended_at: null, message: null },
  };
}

export function begun(atMs: number) {
  return { state: 'submitting', is_open: 1, claimed_at: atMs, started_at: atMs };
}

function skippedAt(atMs: number, message: string) {
  return { state: 'skipped', is_open: 0, ended_at: atMs, message };
}

/** The longest waiting one, unless another one has begun meanwhile. */
export async function beginWaiting(
  trx: Transaction<Schema>,
  schedule: Schedule,
  atMs: number,
): Promise<ClaimedRun | undefined> {
  const open = await trx
    .selectFrom('schedule_runs')
    .select(['job_id', 'due_at', 'state'])
    .where('schedule_id', '=', schedule.id)
    .where('is_open', '=', IS_OPEN)
    .orderBy('sequence')
    .execute();
  if (open.some(({ state }) => state !== 'waiting')) return undefined;
  if (!schedule.enabled) {
    const message = 'the schedule was disabled while this run waited';
    await trx
      .updateTable('schedule_runs')
      .set(skippedAt(atMs, message))
      .where('schedule_id', '=', schedule.id)
      .where('is_open', '=', IS_OPEN)
      .where('state', '=', 'waiting')
      .execute();
    return undefined;
  }
  const [first] = open;
  if (first === undefined) return undefined;
  await trx
    .updateTable('schedule_runs')
    .set(begun(atMs))
    .where('job_id', '=', first.job_id)
    .execute();
  await countRuns(trx, schedule, 1, atMs);
  return { schedule, jobId: first.job_id as JobId, dueAt: first.due_at };
}

export async function countOpen(trx: Transaction<Schema>, id: ScheduleId): Promise<number> {
  const { count } = await trx
    .selectFrom('schedule_runs')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('schedule_id', '=', id)
    .where('is_open', '=', IS_OPEN)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function countRuns(
  trx: Transaction<Schema>,
  { id }: Schedule,
  more: number,
  atMs: number,
): Promise<void> {
  await trx
    .updateTable('schedules')
    .set((eb) => ({ run_count: eb('run_count', '+', more), last_run_at: atMs }))
    .where('id', '=', id)
    .execute();
}

export async function trim(trx: Transaction<Schema>, id: ScheduleId): Promise<void> {
  const firstTooMany = await trx
    .selectFrom('schedule_runs')
    .select('sequence')
    .where('schedule_id', '=', id)
    .orderBy('sequence', 'desc')
    .offset(RUNS_KEPT)
    .limit(1)
    .executeTakeFirst();
  if (firstTooMany === undefined) return;
  await trx
    .deleteFrom('schedule_runs')
    .where('schedule_id', '=', id)
    .where('sequence', '<=', firstTooMany.sequence)
    .where('is_open', '=', 0)
    .execute();
}

export function triggered(
  { schedule, jobId, dueAt }: ClaimedRun,
  isManual: boolean,
): ScheduleEvent {
  const message = isManual ? 'somebody asked for it' : `it was due at ${toIsoTime(dueAt)}`;
  return {
    kind: 'schedule.triggered',
    ...{ machineId: undefined, customerId: undefined },
    ...{ scheduleId: schedule.id, scheduleName: schedule.name, jobId, isManual, message },
  };
}
