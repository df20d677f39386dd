/**
 * How many jobs are in each state, kept in the transactions that change the jobs. Rows are always
 * changed in one order, so that two transactions wait for each other instead of deadlocking.
 */
import type { Kysely, Transaction } from 'kysely';
import { JOB_STATES, type JobState } from '#jobs/job.ts';
import type { Schema } from './schema.ts';

export type JobCounts = Readonly<Record<JobState, number>>;

/** What a transaction does to the counts; written once, near its end. */
export class JobCountChanges {
  readonly #by = new Map<JobState, number>();

  move(from: JobState | undefined, to: JobState | undefined, jobs = 1): void {
    if (from !== undefined) this.#by.set(from, (this.#by.get(from) ?? 0) - jobs);
    if (to !== undefined) this.#by.set(to, (this.#by.get(to) ?? 0) + jobs);
  }

  async write(trx: Transaction<Schema>): Promise<void> {
    const changed = JOB_STATES.toSorted().filter((state) => (this.#by.get(state) ?? 0) !== 0);
    if (changed.length === 0) return;
    await trx
      .insertInto('job_counts')
      .values(changed.map((state) => ({ state, jobs: this.#by.get(state) ?? 0 })))
      .onConflict((conflict) =>
        conflict.column('state').doUpdateSet((eb) => ({
          jobs: eb('job_counts.jobs', '+', eb.ref('excluded.jobs')),
        })),
      )
      .execute();
  }
}

export async function readCounts(db: Kysely<Schema>): Promise<JobCounts> {
  const rows = await db.selectFrom('job_counts').selectAll().execute();
  const inState = (state: JobState) => rows.find((row) => row.state === state)?.jobs ?? 0;
  return {
    pending: inState('pending'),
    running: inState('running'),
    completed: inState('completed'),
    failed: inState('failed'),
    cancelled: inState('cancelled'),
  };
}
