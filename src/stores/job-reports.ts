/** What running jobs say: progress, milestones, logs. Written for many jobs at once. */
import type { Transaction } from 'kysely';
import type { JobId } from '#kernel/ids.ts';
import { MOST_LINES, MOST_LOG_BYTES } from '#jobs/job-log.ts';
import type { AttemptReport, Lease } from '#jobs/job-store.ts';
import type { Dialect } from './dialects/dialect.ts';
import { insertGiven } from './given-rows.ts';
import { JobLedger, laterThanBefore } from './job-ledger.ts';
import type { Schema } from './schema.ts';

export async function writeReports(
  trx: Transaction<Schema>,
  dialect: Dialect,
  reports: readonly AttemptReport[],
  at: number,
): Promise<readonly JobId[]> {
  const ledger = new JobLedger(trx, dialect);
  const lost: JobId[] = [];
  // Everybody goes through rows in the same order, so that no two wait for each other.
  for (const report of reports.toSorted((one, other) => (one.lease.id < other.lease.id ? -1 : 1))) {
    const written = await writeProgress(trx, report, at);
    if (written === undefined) {
      lost.push(report.lease.id);
      continue;
    }
    const { milestones, logs } = report;
    for (const [index, { entry, event }] of milestones.entries()) {
      const sequence = written.history_count - milestones.length + 1 + index;
      const job = { id: report.lease.id, scheduleId: undefined };
      ledger.add({ job, from: 'running', to: 'running', entry, sequence, event });
    }
    if (logs.length > 0) await appendLogs(trx, dialect, report.lease.id, logs);
  }
  await ledger.write(at);
  return lost;
}

/** Also takes the row, so that nobody takes the lease while its holder writes. */
async function writeProgress(
  trx: Transaction<Schema>,
  { lease, progress, milestones }: AttemptReport,
  at: number,
): Promise<{ readonly history_count: number } | undefined> {
  return await trx
    .updateTable('jobs')
    .set((eb) => ({
      ...(progress !== undefined && { progress, updated_at: laterThanBefore(at) }),
      history_count: eb('history_count', '+', milestones.length),
    }))
    .where('id', '=', lease.id)
    .where('leased_by', '=', lease.holder)
    .where('attempt', '=', lease.attempt)
    .returning('history_count')
    .executeTakeFirst();
}

async function appendLogs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  id: JobId,
  logs: AttemptReport['logs'],
): Promise<void> {
  const last = await trx
    .selectFrom('job_logs')
    .select(['sequence', 'end_bytes'])
    .where('job_id', '=', id)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  let { sequence, end_bytes: endBytes } = last ?? { sequence: 0, end_bytes: 0 };
  const rows = logs.map(({ at, level, text }) => {
    sequence += 1;
    endBytes += Buffer.byteLength(text);
    return [id, sequence, at, level, text, endBytes];
  });
  const shape = {
    ...({ job_id: 'text', sequence: 'number', at: 'number' } as const),
    ...({ level: 'text', text: 'text', end_bytes: 'number' } as const),
  } as const;
  await insertGiven(trx, dialect, 'job_logs', { shape, rows });
  const firstKept = sequence - MOST_LINES + 1;
  const fromBytes = endBytes - MOST_LOG_BYTES;
  if (firstKept <= 1 && fromBytes <= 0) return;
  await trx
    .deleteFrom('job_logs')
    .where('job_id', '=', id)
    .where((eb) => eb.or([eb('sequence', '<', firstKept), eb('end_bytes', '<=', fromBytes)]))
    .execute();
}

/** Writes what is there already: nobody else takes the lease until this transaction ends. */
export async function holdLease(
  trx: Transaction<Schema>,
  { id, holder, attempt }: Lease,
): Promise<boolean> {
  const ours = await trx
    .updateTable('jobs')
    .set({ attempt })
    .where('id', '=', id)
    .where('leased_by', '=', holder)
    .where('attempt', '=', attempt)
    .executeTakeFirst();
  return ours.numUpdatedRows > 0n;
}

/** False when the lease is another's. */
export async function writeCheckpoint(
  trx: Transaction<Schema>,
  lease: Lease,
  { checkpoint, at }: { readonly checkpoint: string; readonly at: number },
): Promise<boolean> {
  if (!(await holdLease(trx, lease))) return false;
  await trx
    .insertInto('job_checkpoints')
    .values({ job_id: lease.id, checkpoint, saved_at: at })
    .onConflict((conflict) => conflict.column('job_id').doUpdateSet({ checkpoint, saved_at: at }))
    .execute();
  return true;
}
