/** Jobs as rows, and back. */
import type { Selectable } from 'kysely';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type { NewJob } from '#jobs/job-store.ts';
import type { Job, JobError, JobProgress, JobState, JsonObject } from '#jobs/job.ts';
import type { GivenRow, GivenRows } from './given-rows.ts';
import type { JobTable } from './job-schema.ts';

export const JOB_COLUMNS = [
  ...(['id', 'kind', 'name', 'subject', 'spec', 'sealed_secrets', 'priority', 'lanes'] as const),
  ...(['batch_id', 'schedule_id', 'state', 'is_cancel_requested', 'attempt'] as const),
  ...(['max_attempts', 'progress', 'error', 'result', 'controls', 'created_at'] as const),
  ...(['started_at', 'ended_at', 'updated_at', 'run_after', 'leased_by'] as const),
  'leased_until',
] as const;

export type JobRow = Pick<Selectable<JobTable>, (typeof JOB_COLUMNS)[number]>;

/** No priority is as urgent. */
export const CLEAN_UP_RANK = -1000;

export function rankOf({ priority, isCancelRequested }: Job): number {
  return isCancelRequested ? CLEAN_UP_RANK : 0 - priority;
}

/** What is only cleaned up after asks nothing of a vCenter for long, and waits for no lane. */
export function laneSetOf({ lanes, isCancelRequested }: Job): string {
  if (isCancelRequested) return '';
  return lanes.length === 0 ? '' : JSON.stringify(lanes.toSorted());
}

export function rowToJob(row: JobRow): Job {
  return {
    id: row.id as JobId,
    kind: row.kind,
    name: row.name ?? undefined,
    subject: row.subject,
    spec: JSON.parse(row.spec) as JsonObject,
    sealedSecrets: row.sealed_secrets ?? undefined,
    priority: row.priority,
    lanes: row.lanes === '[]' ? [] : (JSON.parse(row.lanes) as string[]),
    batchId: row.batch_id ?? undefined,
    scheduleId: (row.schedule_id ?? undefined) as ScheduleId | undefined,
    state: row.state as JobState,
    isCancelRequested: row.is_cancel_requested === 1,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    progress: row.progress === null ? undefined : textToProgress(row.progress),
    error: row.error === null ? undefined : (JSON.parse(row.error) as JobError),
    result: row.result === null ? undefined : (JSON.parse(row.result) as JsonObject),
    controls: row.controls === '{}' ? {} : (JSON.parse(row.controls) as JsonObject),
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    updatedAt: row.updated_at,
    runAfter: row.run_after,
    leasedBy: row.leased_by ?? undefined,
    leasedUntil: row.leased_until,
  };
}

/** What is undefined is not in JSON. */
function textToProgress(text: string): JobProgress {
  const { totalBytes, bytesPerSecond, secondsLeft, message, ...rest } = JSON.parse(
    text,
  ) as JobProgress;
  return { ...rest, totalBytes, bytesPerSecond, secondsLeft, message };
}

const INSERTED = {
  ...({ id: 'text', kind: 'text', name: 'text', subject: 'text', spec: 'json' } as const),
  ...({ content_hash: 'text', sealed_secrets: 'text', priority: 'number', lanes: 'json' } as const),
  ...({ lane_set: 'text', batch_id: 'text', schedule_id: 'text', state: 'text' } as const),
  ...({
    is_cancel_requested: 'number',
    rank: 'number',
    is_due: 'number',
    run_after: 'number',
  } as const),
  ...({ attempt: 'number', max_attempts: 'number', failures: 'number', losses: 'number' } as const),
  ...({
    controls: 'json',
    created_at: 'number',
    updated_at: 'number',
    leased_until: 'number',
  } as const),
  history_count: 'number',
} as const satisfies GivenRows['shape'];

export function newJobsToRows(jobs: readonly NewJob[]): Omit<GivenRows, 'alias'> {
  return { shape: INSERTED, rows: jobs.map(newJobToRow) };
}

function newJobToRow({ job, contentHash }: NewJob): GivenRow {
  return [
    ...[job.id, job.kind, job.name ?? null, job.subject, JSON.stringify(job.spec)],
    ...[contentHash ?? null, job.sealedSecrets ?? null, job.priority, JSON.stringify(job.lanes)],
    ...[laneSetOf(job), job.batchId ?? null, job.scheduleId ?? null, job.state],
    ...[0, rankOf(job), job.runAfter <= job.createdAt ? 1 : 0, job.runAfter],
    ...[job.attempt, job.maxAttempts, 0, 0],
    ...[JSON.stringify(job.controls), job.createdAt, job.updatedAt, 0],
    1,
  ];
}
