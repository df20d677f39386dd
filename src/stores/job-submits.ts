/** New jobs, all or none; those that are there already are answered as they are. */
import type { Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { NewJob } from '#jobs/job-store.ts';
import type { Job } from '#jobs/job.ts';
import type { Dialect } from './dialects/dialect.ts';
import { insertGiven, isAmong } from './given-rows.ts';
import { JobLedger } from './job-ledger.ts';
import { JOB_COLUMNS, newJobsToRows, rowToJob } from './job-row.ts';
import type { Schema } from './schema.ts';

export interface Submission {
  readonly jobs: readonly NewJob[];
  readonly mostPending: number;
  readonly at: number;
}

export async function insertJobs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { jobs, mostPending, at }: Submission,
): Promise<readonly Job[]> {
  const known = await findKnown(trx, dialect, jobs);
  const added = jobs.filter(({ job }) => !known.has(job.id));
  if (added.length > 0) {
    await assertRoom(trx, added.length, mostPending);
    await insertGiven(trx, dialect, 'jobs', newJobsToRows(added));
    const ledger = new JobLedger(trx, dialect);
    for (const { job, event } of added) {
      const entry = { at, kind: 'submitted', attempt: 0, message: event.message } as const;
      ledger.add({ job, from: undefined, to: 'pending', entry, sequence: 1, event });
    }
    await ledger.write(at);
  }
  return jobs.map(({ job }) => known.get(job.id) ?? job);
}

/** Only an id that somebody chose can be known. */
async function findKnown(
  trx: Transaction<Schema>,
  dialect: Dialect,
  jobs: readonly NewJob[],
): Promise<ReadonlyMap<string, Job>> {
  const hashes = new Map<string, string>(
    jobs.flatMap(({ job, contentHash }) =>
      contentHash === undefined ? [] : [[job.id, contentHash]],
    ),
  );
  if (hashes.size === 0) return new Map();
  const rows = await trx
    .selectFrom('jobs')
    .select([...JOB_COLUMNS, 'content_hash'])
    .where(isAmong(dialect, 'id', [...hashes.keys()]))
    .execute();
  const other = rows.find(({ id, content_hash: hash }) => hashes.get(id) !== hash);
  if (other !== undefined) throw otherContentError(other.id);
  return new Map(rows.map((row) => [row.id, rowToJob(row)]));
}

function otherContentError(id: string): DroverError {
  return new DroverError(
    'already_exists',
    `a job with the id ${id} exists, and what it is to do is not the same`,
    { reason: 'JOB_EXISTS', metadata: { job_id: id } },
  );
}

async function assertRoom(
  trx: Transaction<Schema>,
  added: number,
  mostPending: number,
): Promise<void> {
  const row = await trx
    .selectFrom('job_counts')
    .select('jobs')
    .where('state', '=', 'pending')
    .executeTakeFirst();
  if ((row?.jobs ?? 0) + added <= mostPending) return;
  throw new DroverError(
    'resource_exhausted',
    `${mostPending} jobs are pending, and no more are taken until some have run`,
    { reason: 'TOO_MANY_JOBS', metadata: { limit: String(mostPending) } },
  );
}
