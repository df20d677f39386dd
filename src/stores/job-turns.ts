/** A turn of a runner: what it has done is written, and what it does next is claimed. */
import { sql, type Transaction } from 'kysely';
import type { JobId } from '#kernel/ids.ts';
import { startedEvent } from '#jobs/job-events.ts';
import type { JobHistoryKind } from '#jobs/job-history.ts';
import type { Claim, Outcome, SettledAttempt, Turn, TurnResult } from '#jobs/job-store.ts';
import type { Job, JobState } from '#jobs/job.ts';
import type { Dialect } from './dialects/dialect.ts';
import { isAmong, type GivenRow } from './given-rows.ts';
import { pickJobs, type ClaimedRow } from './job-claims.ts';
import { JobLedger, laterThanBefore } from './job-ledger.ts';
import { rowToJob } from './job-row.ts';
import type { Schema } from './schema.ts';

const STATE_AFTER = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  retrying: 'pending',
  released: 'pending',
} as const satisfies Record<Outcome['kind'], JobState>;

const ENTRY_OF = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  retrying: 'retrying',
  released: 'retrying',
} as const satisfies Record<Outcome['kind'], JobHistoryKind>;

export async function takeTurn(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { holder, at, settled, claim }: Turn,
): Promise<TurnResult> {
  const ledger = new JobLedger(trx, dialect);
  const lost = settled.length === 0 ? [] : await settle({ trx, dialect, ledger }, holder, settled);
  let claims: readonly Claim[] = [];
  if (claim !== undefined) {
    const picked = await pickJobs(trx, dialect, claim);
    const leased = { by: holder, until: at + claim.leaseMs, at };
    if (picked.length > 0) claims = await lease({ trx, dialect, ledger }, picked, leased);
  }
  await ledger.write(at);
  return { lost, claims };
}

interface Parts {
  readonly trx: Transaction<Schema>;
  readonly dialect: Dialect;
  readonly ledger: JobLedger;
}

const SETTLED = {
  ...({ id: 'text', attempt: 'number', state: 'text', error: 'json', result: 'json' } as const),
  ...({ retry_at: 'number', is_clean_up: 'number', at: 'number' } as const),
} as const;

/** What has a `retry_at` failed and waits; what is pending without one was only given back. */
function settledToRow({ job, at, outcome, isCleanUp }: SettledAttempt): GivenRow {
  return [
    ...[job.id, job.attempt, STATE_AFTER[outcome.kind]],
    'error' in outcome ? JSON.stringify(outcome.error) : null,
    outcome.kind === 'completed' ? outcome.result : null,
    ...[outcome.kind === 'retrying' ? outcome.retryAt : null, isCleanUp ? 1 : 0, at],
  ];
}

async function settle(
  { trx, dialect, ledger }: Parts,
  holder: string,
  settled: readonly SettledAttempt[],
): Promise<readonly JobId[]> {
  const given = dialect.givenRows({
    alias: 'given',
    shape: SETTLED,
    rows: settled.map(settledToRow),
  });
  // With a plain comparison PostgreSQL begins at the holder, whose rows it takes to be few.
  const { rows } = await sql<{ id: string; history_count: number }>`
    update jobs set
      state = given.state,
      error = case when given.state = 'completed' then null
        else coalesce(given.error, jobs.error) end,
      result = given.result,
      ended_at = case when given.state = 'pending' then null else given.at end,
      run_after = coalesce(given.retry_at, jobs.run_after),
      is_due = case when given.retry_at is null
        or (jobs.is_cancel_requested = 1 and given.is_clean_up = 0) then 1 else 0 end,
      failures = jobs.failures + case when given.retry_at is null then 0 else 1 end,
      leased_by = null,
      leased_until = 0,
      history_count = jobs.history_count + 1,
      updated_at = case when jobs.updated_at >= given.at then jobs.updated_at + 1
        else given.at end
    from ${given}
    where jobs.id = given.id and jobs.attempt = given.attempt
      and coalesce(jobs.leased_by, '') = ${holder}
    returning jobs.id, jobs.history_count`.execute(trx);
  const sequences = new Map(rows.map((row) => [row.id, row.history_count]));
  const lost: JobId[] = [];
  for (const { job, at, outcome, message, event } of settled) {
    const sequence = sequences.get(job.id);
    if (sequence === undefined) {
      lost.push(job.id);
      continue;
    }
    const entry = { at, kind: ENTRY_OF[outcome.kind], attempt: job.attempt, message };
    ledger.add({ job, from: 'running', to: STATE_AFTER[outcome.kind], entry, sequence, event });
  }
  const written = settled.filter(({ job }) => sequences.has(job.id));
  const inLanes = written.filter(({ holdsLanes }) => holdsLanes);
  const done = written.filter(({ dropsCheckpoint }) => dropsCheckpoint);
  for (const [table, those] of [
    ['job_lanes', inLanes],
    ['job_checkpoints', done],
  ] as const) {
    await forgetJobs(trx, dialect, { table, ids: those.map(({ job }) => job.id) });
  }
  return lost;
}

interface Forgotten {
  readonly table: 'job_lanes' | 'job_checkpoints' | 'job_history' | 'job_logs';
  readonly ids: readonly string[];
}

export async function forgetJobs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { table, ids }: Forgotten,
): Promise<void> {
  if (ids.length === 0) return;
  await trx
    .deleteFrom(table)
    .where(isAmong(dialect, 'job_id', ids))
    .execute();
}

async function lease(
  { trx, dialect, ledger }: Parts,
  picked: readonly ClaimedRow[],
  { by, until, at }: { readonly by: string; readonly until: number; readonly at: number },
): Promise<readonly Claim[]> {
  const rows = picked.map(({ sequence }) => [sequence]);
  const given = dialect.givenRows({ alias: 'given', shape: { sequence: 'number' }, rows });
  await trx
    .updateTable('jobs')
    .set((eb) => ({
      state: 'running',
      leased_by: by,
      leased_until: until,
      attempt: eb('attempt', '+', 1),
      started_at: eb.fn.coalesce('started_at', sql.val(at)),
      history_count: eb('history_count', '+', 1),
      started_sequence: sql<number>`coalesce(started_sequence, history_count + 1)`,
      updated_at: laterThanBefore(at),
    }))
    .where(sql<boolean>`sequence in (select given.sequence from ${given})`)
    .execute();
  const checkpoints = await readCheckpoints(trx, dialect, picked);
  return picked.map((row) => {
    const job: Job = {
      ...rowToJob(row),
      state: 'running',
      ...{ attempt: row.attempt + 1, startedAt: row.started_at ?? at },
      ...{ leasedBy: by, leasedUntil: until, updatedAt: Math.max(at, row.updated_at + 1) },
    };
    const event = startedEvent(job);
    const entry = { at, kind: 'started', attempt: job.attempt, message: event.message } as const;
    const sequence = row.history_count + 1;
    ledger.add({ job, from: 'pending', to: 'running', entry, sequence, event });
    const isCleanUp = job.isCancelRequested;
    return {
      job,
      failures: row.failures,
      checkpoint: checkpoints.get(job.id),
      holdsLanes: job.lanes.length > 0 && !isCleanUp,
    };
  });
}

/** Only who was begun before can have one. */
async function readCheckpoints(
  trx: Transaction<Schema>,
  dialect: Dialect,
  picked: readonly ClaimedRow[],
): Promise<ReadonlyMap<string, unknown>> {
  const ids = picked.filter(({ attempt }) => attempt > 0).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const rows = await trx
    .selectFrom('job_checkpoints')
    .select(['job_id', 'checkpoint'])
    .where(isAmong(dialect, 'job_id', ids))
    .execute();
  return new Map(rows.map((row) => [row.job_id, JSON.parse(row.checkpoint) as unknown]));
}
