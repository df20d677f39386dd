/**
 * Jobs in SQL. Transactions take their locks in one order: rows of jobs by id, lanes, counts,
 * schedules, and last the events. What is read or compared to decide is read after its lock.
 */
import { sql, type Transaction } from 'kysely';
import type { EventSignal } from '#events/event-signal.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { HistoryDraft, JobHistoryEntry } from '#jobs/job-history.ts';
import type { JobPage, JobQuery } from '#jobs/job-list.ts';
import type { JobLogLine } from '#jobs/job-log.ts';
import { leaseLostError } from '#jobs/job-retry.ts';
import { assertNotBeingCleaned } from '#jobs/job-rules.ts';
import type * as port from '#jobs/job-store.ts';
import { isEnded, type Job, type JobState } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Database } from './database.ts';
import { isAmong } from './given-rows.ts';
import { changeJobs, expireLeases, leaseForCleaning } from './job-changes.ts';
import { enterLane, isSomethingReady } from './job-claims.ts';
import { JobCountChanges, readCounts, type JobCounts } from './job-counts.ts';
import { JobLedger } from './job-ledger.ts';
import { readHistory, readLogs, readPage } from './job-pages.ts';
import { holdLease, writeCheckpoint, writeReports } from './job-reports.ts';
import { JOB_COLUMNS, rowToJob } from './job-row.ts';
import { insertJobs } from './job-submits.ts';
import { forgetJobs, takeTurn } from './job-turns.ts';
import type { Schema } from './schema.ts';

export interface JobStoreParts {
  readonly database: Database;
  readonly eventSignal: EventSignal;
  readonly clock: Clock;
}

export class SqlJobStore implements port.JobStore {
  readonly #parts: JobStoreParts;
  readonly #listeners = new Set<() => void>();

  constructor(parts: JobStoreParts) {
    this.#parts = parts;
  }

  async submit(jobs: readonly port.NewJob[], mostPending: number): Promise<readonly Job[]> {
    const submission = { jobs, mostPending, at: this.#parts.clock.nowMs() };
    const insert = async () =>
      await this.#parts.database.write((trx) => insertJobs(trx, this.#dialect, submission), {
        onTaken: (table) => (table === 'jobs' ? submittedMeanwhileError() : undefined),
      });
    // Two that submit one id at once do not see each other; the second time one sees the other's.
    const stored = await insert().catch(async (thrown: unknown) => {
      if (!(thrown instanceof DroverError) || thrown.reason !== MEANWHILE) throw thrown;
      return await insert();
    });
    this.#notify();
    return stored;
  }

  async find(id: string): Promise<Job | undefined> {
    const row = await this.#parts.database.read((db) =>
      db.selectFrom('jobs').select(JOB_COLUMNS).where('id', '=', id).executeTakeFirst(),
    );
    return row && rowToJob(row);
  }

  async list(query: JobQuery): Promise<JobPage> {
    return await this.#parts.database.read((db) => readPage(db, query));
  }

  async counts(): Promise<JobCounts> {
    return await this.#parts.database.read(readCounts);
  }

  async history(id: JobId, page: port.PageQuery): Promise<readonly JobHistoryEntry[]> {
    return await this.#parts.database.read((db) => readHistory(db, id, page));
  }

  async logs(id: JobId, page: port.PageQuery): Promise<readonly JobLogLine[]> {
    return await this.#parts.database.read((db) => readLogs(db, id, page));
  }

  async listIds(
    states: readonly JobState[],
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Promise<readonly JobId[]> {
    if (states.length === 0) return [];
    const rows = await this.#parts.database.read((db) =>
      db
        .selectFrom('jobs')
        .select('id')
        .where('state', 'in', states)
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ id }) => id as JobId);
  }

  async change(
    ids: readonly string[],
    at: number,
    decide: (job: Job) => port.JobChange | undefined,
  ): Promise<ReadonlyMap<string, Job>> {
    const changed = await this.#write((trx) => changeJobs(trx, this.#dialect, { ids, at, decide }));
    this.#notify();
    return changed;
  }

  async remove(id: JobId): Promise<boolean> {
    return await this.#write(async (trx) => {
      const row = await trx
        .selectFrom('jobs')
        .select(JOB_COLUMNS)
        .where('id', '=', id)
        .$if(this.#dialect.supportsRowLocks, (some) => some.forUpdate())
        .executeTakeFirst();
      const job = row && rowToJob(row);
      if (job === undefined || !isEnded(job.state)) return false;
      assertNotBeingCleaned(job, this.#parts.clock.nowMs());
      await this.#drop(trx, [job]);
      return true;
    });
  }

  async prune({ olderThan, most, limit }: port.EndedRetention): Promise<number> {
    const counts = await this.counts();
    const tooMany = counts.completed + counts.failed + counts.cancelled - most;
    const states = ['completed', 'failed', 'cancelled'];
    const oldest = await this.#parts.database.read((db) =>
      db
        .selectFrom('jobs')
        .select(['id', 'state', 'ended_at'])
        .where('state', 'in', states)
        .orderBy('sequence')
        .limit(limit)
        .execute(),
    );
    const gone = oldest.filter(
      ({ ended_at: endedAt }, at) => at < tooMany || (endedAt ?? 0) < olderThan,
    );
    if (gone.length === 0) return 0;
    return await this.#write(async (trx) => {
      const rows = await trx
        .selectFrom('jobs')
        .select(['id', 'state'])
        .where(
          isAmong(
            this.#dialect,
            'id',
            gone.map(({ id }) => id),
          ),
        )
        .where('state', 'in', states)
        .where('leased_by', 'is', null)
        .orderBy('id')
        .$if(this.#dialect.supportsRowLocks, (some) => some.forUpdate())
        .execute();
      await this.#drop(
        trx,
        rows.map(({ id, state }) => ({ id: id as JobId, state: state as JobState })),
      );
      return rows.length;
    });
  }

  async turn(turn: port.Turn): Promise<port.TurnResult> {
    const result = await this.#write((trx) => takeTurn(trx, this.#dialect, turn));
    if (turn.settled.length > 0 || result.claims.length > 0) this.#parts.eventSignal.notify();
    return result;
  }

  async hasReady(kinds: readonly string[]): Promise<boolean> {
    return await this.#parts.database.read((db) => isSomethingReady(db, kinds));
  }

  async wakeDue(at: number): Promise<void> {
    const isDue = sql<boolean>`state = 'pending' and is_due = 0 and run_after <= ${at}`;
    const first = await this.#parts.database.read((db) =>
      db.selectFrom('jobs').select('id').where(isDue).limit(1).executeTakeFirst(),
    );
    if (first === undefined) return;
    await this.#write((trx) => trx.updateTable('jobs').set({ is_due: 1 }).where(isDue).execute());
  }

  async held(holder: string): Promise<readonly port.HeldJob[]> {
    const rows = await this.#parts.database.read((db) =>
      db
        .selectFrom('jobs')
        .select(['id', 'attempt', 'is_cancel_requested', 'controls'])
        .where('leased_by', '=', holder)
        .where(sql<boolean>`state = 'running'`)
        .execute(),
    );
    return rows.map(({ id, attempt, is_cancel_requested: isCancelRequested, controls }) => ({
      ...{ id: id as JobId, attempt, isCancelRequested: isCancelRequested === 1 },
      controls: JSON.parse(controls) as port.HeldJob['controls'],
    }));
  }

  async renew(leases: readonly port.Lease[], until: number): Promise<void> {
    const [first] = leases;
    if (first === undefined) return;
    await this.#write((trx) =>
      trx
        .updateTable('jobs')
        .set({ leased_until: until })
        .where(
          isAmong(
            this.#dialect,
            'id',
            leases.map(({ id }) => id),
          ),
        )
        .where('leased_by', '=', first.holder)
        .execute(),
    );
  }

  async leases(limit: number): Promise<readonly port.SeenLease[]> {
    return await this.#leases({ limit });
  }

  async leasesOf(holderPrefix: string): Promise<readonly port.SeenLease[]> {
    const leases = await this.#leases({});
    return leases.filter(({ holder }) => holder.startsWith(holderPrefix));
  }

  async #leases({ limit }: { readonly limit?: number }): Promise<readonly port.SeenLease[]> {
    const rows = await this.#parts.database.read((db) =>
      db
        .selectFrom('jobs')
        .select(['id', 'attempt', 'leased_by', 'leased_until'])
        .where(sql<boolean>`state = 'running'`)
        .orderBy('leased_until')
        .$if(limit !== undefined, (some) => some.limit(limit ?? 0))
        .execute(),
    );
    return rows.map((row) => ({
      ...{ id: row.id as JobId, holder: row.leased_by ?? '' },
      ...{ attempt: row.attempt, until: row.leased_until },
    }));
  }

  async expire(seen: readonly port.SeenLease[], at: number): Promise<readonly JobId[]> {
    if (seen.length === 0) return [];
    const expired = await this.#write((trx) => expireLeases(trx, this.#dialect, seen, at));
    this.#notify();
    return expired;
  }

  async report(reports: readonly port.AttemptReport[], at: number): Promise<readonly JobId[]> {
    const lost = await this.#write((trx) => writeReports(trx, this.#dialect, reports, at));
    this.#parts.eventSignal.notify();
    return lost;
  }

  async saveCheckpoint(lease: port.Lease, checkpoint: string, at: number): Promise<boolean> {
    return await this.#write((trx) => writeCheckpoint(trx, lease, { checkpoint, at }));
  }

  async enterLane(lease: port.Lease, lane: string, limit: number): Promise<boolean> {
    return await this.#write(async (trx) => {
      if (!(await holdLease(trx, lease))) throw leaseLostError();
      return await enterLane(trx, this.#dialect, { lane, jobId: lease.id, limit });
    });
  }

  async beginCleaning(id: JobId, lease: port.CleaningLease): Promise<port.Claim | undefined> {
    return await this.#write((trx) => leaseForCleaning(trx, this.#dialect, id, lease));
  }

  async endCleaning(id: JobId, holder: string, cleaned: HistoryDraft | undefined): Promise<void> {
    await this.#write(async (trx) => {
      const row = await trx
        .updateTable('jobs')
        .set((eb) => ({
          ...{ leased_by: null, leased_until: 0 },
          history_count: eb('history_count', '+', cleaned === undefined ? 0 : 1),
        }))
        .where('id', '=', id)
        .where('leased_by', '=', holder)
        .returning(['state', 'history_count'])
        .executeTakeFirst();
      if (row === undefined || cleaned === undefined) return;
      await forgetJobs(trx, this.#dialect, { table: 'job_checkpoints', ids: [id] });
      const ledger = new JobLedger(trx, this.#dialect);
      const state = row.state as JobState;
      const step = { from: state, to: state, entry: cleaned, event: undefined };
      ledger.add({ job: { id, scheduleId: undefined }, ...step, sequence: row.history_count });
      await ledger.write(cleaned.at);
    });
  }

  onChange(call: () => void): Disposable {
    this.#listeners.add(call);
    return { [Symbol.dispose]: () => void this.#listeners.delete(call) };
  }

  async #drop(trx: Transaction<Schema>, jobs: readonly Pick<Job, 'id' | 'state'>[]): Promise<void> {
    const ids = jobs.map(({ id }) => id);
    for (const table of ['job_checkpoints', 'job_lanes', 'job_history', 'job_logs'] as const) {
      await forgetJobs(trx, this.#dialect, { table, ids });
    }
    await trx
      .deleteFrom('jobs')
      .where(isAmong(this.#dialect, 'id', ids))
      .execute();
    const changes = new JobCountChanges();
    for (const { state } of jobs) changes.move(state, undefined);
    await changes.write(trx);
  }

  get #dialect() {
    return this.#parts.database.dialect;
  }

  async #write<T>(work: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
    return await this.#parts.database.write(work);
  }

  #notify(): void {
    this.#parts.eventSignal.notify();
    for (const call of this.#listeners) call();
  }
}

const MEANWHILE = 'JOB_SUBMITTED_MEANWHILE';

function submittedMeanwhileError(): DroverError {
  return new DroverError('aborted', 'the same job was submitted at the same moment; try again', {
    reason: MEANWHILE,
  });
}
