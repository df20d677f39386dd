/** Changes of jobs that are decided under a lock: by people, and where leases have run out. */
import { sql, type Transaction } from 'kysely';
import type { JobId } from '#kernel/ids.ts';
import { failedEvent, retryingEvent } from '#jobs/job-events.ts';
import type { Claim, CleaningLease, JobChange, SeenLease } from '#jobs/job-store.ts';
import { assertNotBeingCleaned } from '#jobs/job-rules.ts';
import type { Job, JobError } from '#jobs/job.ts';
import type { Dialect } from './dialects/dialect.ts';
import { isAmong, type GivenRow } from './given-rows.ts';
import { JobLedger } from './job-ledger.ts';
import { JOB_COLUMNS, laneSetOf, rankOf, rowToJob } from './job-row.ts';
import { forgetJobs } from './job-turns.ts';
import type { Schema } from './schema.ts';

/** A job whose process dies so often without coming any further may be why it dies. */
const MOST_LOSSES = 10;

const CHANGED = {
  ...({ id: 'text', state: 'text', is_cancel_requested: 'number' } as const),
  ...({ lane_set: 'text', rank: 'number' } as const),
  ...({ is_due: 'number', run_after: 'number', error: 'json', controls: 'json' } as const),
  ...({ ended_at: 'number', keeps_lease: 'number', is_fresh: 'number' } as const),
  ...({ losses: 'number', lost_percent: 'number', updated_at: 'number' } as const),
} as const;

/** How often its process has died since it last came further, and how far it was then. */
interface Losses {
  readonly losses: number;
  /** In whole percent. */
  readonly lostPercent: number;
}

const NO_LOSSES: Losses = { losses: 0, lostPercent: 0 };

interface LockedJob extends Losses {
  readonly job: Job;
  readonly historyCount: number;
}

async function lockJobs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  ids: readonly string[],
): Promise<readonly LockedJob[]> {
  const rows = await trx
    .selectFrom('jobs')
    .select([...JOB_COLUMNS, 'losses', 'lost_percent', 'history_count'])
    .where(isAmong(dialect, 'id', ids))
    .orderBy('id')
    .$if(dialect.supportsRowLocks, (some) => some.forUpdate())
    .execute();
  return rows.map((row) => ({
    job: rowToJob(row),
    losses: row.losses,
    lostPercent: row.lost_percent,
    historyCount: row.history_count,
  }));
}

interface Decided {
  readonly before: LockedJob;
  readonly change: JobChange;
  readonly losses: Losses;
}

/** `isReady` of what is pending is whether its time has come at `at`. */
async function writeChanges(
  trx: Transaction<Schema>,
  dialect: Dialect,
  decided: readonly Decided[],
  at: number,
): Promise<void> {
  if (decided.length === 0) return;
  const rows = decided.map(({ before, change: { job, isFresh }, losses }): GivenRow => {
    const isDue = job.isCancelRequested || job.runAfter <= at;
    return [
      ...[job.id, job.state, job.isCancelRequested ? 1 : 0, laneSetOf(job)],
      ...[rankOf(job), isDue ? 1 : 0],
      ...[job.runAfter, job.error === undefined ? null : JSON.stringify(job.error)],
      ...[JSON.stringify(job.controls), job.endedAt ?? null],
      ...[job.state === before.job.state ? 1 : 0, isFresh ? 1 : 0],
      ...[losses.losses, losses.lostPercent, job.updatedAt],
    ];
  });
  const given = dialect.givenRows({ alias: 'given', shape: CHANGED, rows });
  await sql`
    update jobs set
      state = given.state,
      is_cancel_requested = given.is_cancel_requested,
      lane_set = given.lane_set,
      rank = given.rank,
      is_due = given.is_due,
      run_after = given.run_after,
      error = given.error,
      controls = given.controls,
      ended_at = given.ended_at,
      leased_by = case when given.keeps_lease = 1 then jobs.leased_by else null end,
      leased_until = case when given.keeps_lease = 1 then jobs.leased_until else 0 end,
      losses = given.losses,
      lost_percent = given.lost_percent,
      failures = case when given.is_fresh = 1 then 0 else jobs.failures end,
      history_count = jobs.history_count + 1,
      updated_at = given.updated_at
    from ${given} where jobs.id = given.id`.execute(trx);
  const ledger = new JobLedger(trx, dialect);
  for (const { before, change } of decided) {
    const { job, entry, event } = change;
    const sequence = before.historyCount + 1;
    ledger.add({ job, from: before.job.state, to: job.state, entry, sequence, event });
  }
  await ledger.write(at);
}

export interface Deciding {
  readonly ids: readonly string[];
  readonly at: number;
  readonly decide: (job: Job) => JobChange | undefined;
}

export async function changeJobs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { ids, at, decide }: Deciding,
): Promise<ReadonlyMap<string, Job>> {
  const locked = await lockJobs(trx, dialect, ids);
  const decided = locked.flatMap((before): Decided[] => {
    const change = decide(before.job);
    if (change === undefined) return [];
    const updatedAt = Math.max(at, before.job.updatedAt + 1);
    const losses = change.isFresh ? NO_LOSSES : before;
    return [{ before, change: { ...change, job: { ...change.job, updatedAt } }, losses }];
  });
  await writeChanges(trx, dialect, decided, at);
  const changed = decided.map(({ change: { job } }) => [job.id, job] as const);
  return new Map([...locked.map(({ job }) => [job.id, job] as const), ...changed]);
}

export async function expireLeases(
  trx: Transaction<Schema>,
  dialect: Dialect,
  seen: readonly SeenLease[],
  at: number,
): Promise<readonly JobId[]> {
  const seenById = new Map(seen.map((lease) => [lease.id, lease]));
  const locked = await lockJobs(trx, dialect, [...seenById.keys()]);
  const dead = locked.filter(({ job }) => {
    const lease = seenById.get(job.id);
    return (
      job.state === 'running' &&
      job.leasedBy === lease?.holder &&
      job.attempt === lease?.attempt &&
      job.leasedUntil === lease.until
    );
  });
  const decided = dead.map((before) => {
    const losses = lossesAfter(before);
    return { before, change: lose(before.job, losses, at), losses };
  });
  const ids = dead.map(({ job }) => job.id);
  await forgetJobs(trx, dialect, { table: 'job_lanes', ids });
  await writeChanges(trx, dialect, decided, at);
  return ids;
}

/**
 * Whoever works for hours may see his process end any number of times. A job that got further than
 * at the last death is counted from one again.
 */
function lossesAfter({ job, losses, lostPercent }: LockedJob): Losses {
  const percent = Math.floor(job.progress?.percent ?? 0);
  const hasProgressed = percent > lostPercent;
  return hasProgressed ? { losses: 1, lostPercent: percent } : { losses: losses + 1, lostPercent };
}

function lose(job: Job, { losses }: Losses, at: number): JobChange {
  const updatedAt = Math.max(at, job.updatedAt + 1);
  const free = { ...job, updatedAt, leasedBy: undefined, leasedUntil: 0 };
  if (losses >= MOST_LOSSES) {
    const error: JobError = {
      kind: 'internal',
      reason: 'PROCESS_LOST',
      message: `the process that ran it ended ${losses} times, and it came no further in between`,
    };
    const entry = { at, kind: 'failed', attempt: job.attempt, message: error.message } as const;
    const event = failedEvent(job, error, at);
    return { job: { ...free, state: 'failed', error, endedAt: at }, entry, event, isFresh: false };
  }
  const message = 'the process that ran it is gone; another attempt goes on from there';
  const error: JobError = { kind: 'aborted', reason: 'PROCESS_LOST', message };
  const event = retryingEvent(job, error, at);
  const entry = { at, kind: 'retrying', attempt: job.attempt, message } as const;
  return { job: { ...free, state: 'pending', error }, entry, event, isFresh: false };
}

/** See `JobStore.beginCleaning`. A lease on an ended job says only that it is being cleaned. */
export async function leaseForCleaning(
  trx: Transaction<Schema>,
  dialect: Dialect,
  id: JobId,
  { holder, nowMs, forMs }: CleaningLease,
): Promise<Claim | undefined> {
  const [locked] = await lockJobs(trx, dialect, [id]);
  if (locked === undefined) return undefined;
  const { job } = locked;
  assertNotBeingCleaned(job, nowMs);
  await trx
    .updateTable('jobs')
    .set({ leased_by: holder, leased_until: nowMs + forMs })
    .where('id', '=', id)
    .execute();
  const kept = await trx
    .selectFrom('job_checkpoints')
    .select('checkpoint')
    .where('job_id', '=', id)
    .executeTakeFirst();
  const checkpoint: unknown = kept && JSON.parse(kept.checkpoint);
  return { job, failures: 0, checkpoint, holdsLanes: false };
}
