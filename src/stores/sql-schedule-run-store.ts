import type { Transaction } from 'kysely';
import type { EventSignal } from '#events/event-signal.ts';
import type { DomainEvent } from '#events/event.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import { MOST_OPEN_RUNS } from '#schedules/schedule-plan.ts';
import type {
  ClaimedRun,
  DueClaim,
  ReclaimRequest,
  RunQuery,
  ScheduleRunStore,
} from '#schedules/schedule-run-store.ts';
import type { Schedule, ScheduleNext, ScheduleRun } from '#schedules/schedule.ts';
import type { Database } from './database.ts';
import { appendEvents } from './event-writer.ts';
import {
  beginWaiting,
  begun,
  countOpen,
  countRuns,
  insertRuns,
  IS_OPEN,
  moveOn,
  runRow,
  triggered,
  trim,
} from './schedule-claims.ts';
import { outcomeEvent } from './schedule-outcomes.ts';
import { lockSchedule, rowToRun, rowToSchedule } from './schedule-rows.ts';
import type { Schema } from './schema.ts';

export interface RunStoreParts {
  readonly database: Database;
  readonly eventSignal: EventSignal;
}

export class SqlScheduleRunStore implements ScheduleRunStore {
  readonly #database: Database;
  readonly #eventSignal: EventSignal;

  constructor({ database, eventSignal }: RunStoreParts) {
    this.#database = database;
    this.#eventSignal = eventSignal;
  }

  async list({ scheduleId, before, limit }: RunQuery): Promise<readonly ScheduleRun[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('schedule_runs')
        .selectAll()
        .where('schedule_id', '=', scheduleId)
        .$if(before !== undefined, (some) => some.where('sequence', '<', before ?? 0))
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(rowToRun);
  }

  async find(jobId: JobId): Promise<ScheduleRun | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('schedule_runs').selectAll().where('job_id', '=', jobId).executeTakeFirst(),
    );
    return row && rowToRun(row);
  }

  async listDue(nowMs: number, limit: number): Promise<readonly Schedule[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('schedules')
        .selectAll()
        .where('next_run_at', '<=', nowMs)
        .orderBy('next_run_at')
        .limit(limit)
        .execute(),
    );
    return rows.map(rowToSchedule);
  }

  async nextRunAt(): Promise<number | undefined> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('schedules')
        .select('next_run_at')
        .where('next_run_at', 'is not', null)
        .orderBy('next_run_at')
        .limit(1)
        .executeTakeFirst(),
    );
    return row?.next_run_at ?? undefined;
  }

  async claim(claims: readonly DueClaim[], atMs: number): Promise<readonly ClaimedRun[]> {
    // Everybody goes through rows in the same order, so that no two wait for each other.
    const inOrder = claims.toSorted((one, other) => (one.schedule.id < other.schedule.id ? -1 : 1));
    return await this.#commit(atMs, async (trx, events) => {
      const claimed: ClaimedRun[] = [];
      for (const claim of inOrder) {
        if (!(await moveOn(trx, claim.schedule, claim.plan.next, claim))) continue;
        claimed.push(...(await insertRuns(trx, claim, atMs)));
      }
      events.push(...claimed.map((run) => triggered(run, false)));
      return claimed;
    });
  }

  async claimManual(id: ScheduleId, jobId: JobId, atMs: number): Promise<ClaimedRun | undefined> {
    const { dialect } = this.#database;
    return await this.#commit(atMs, async (trx, events) => {
      const schedule = await lockSchedule(trx, dialect, id);
      if (schedule === undefined) return undefined;
      if ((await countOpen(trx, id)) >= MOST_OPEN_RUNS) throw tooManyRuns();
      await trx
        .insertInto('schedule_runs')
        .values({ ...runRow(schedule, jobId, atMs), ...begun(atMs), is_manual: 1 })
        .execute();
      await countRuns(trx, schedule, 1, atMs);
      await trim(trx, id);
      const claimed = { schedule, jobId, dueAt: atMs };
      events.push(triggered(claimed, true));
      return claimed;
    });
  }

  async claimWaiting(atMs: number, limit: number): Promise<readonly ClaimedRun[]> {
    const { dialect } = this.#database;
    const ready = await this.#database.read((db) =>
      db
        .selectFrom('schedule_runs as run')
        .select('run.schedule_id')
        .distinct()
        .where('run.is_open', '=', IS_OPEN)
        .where('run.state', '=', 'waiting')
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('schedule_runs as other')
                .select('other.sequence')
                .whereRef('other.schedule_id', '=', 'run.schedule_id')
                .where('other.is_open', '=', IS_OPEN)
                .where('other.state', '<>', 'waiting'),
            ),
          ),
        )
        .orderBy('run.schedule_id')
        .limit(limit)
        .execute(),
    );
    if (ready.length === 0) return [];
    return await this.#commit(atMs, async (trx, events) => {
      const claimed: ClaimedRun[] = [];
      for (const { schedule_id: id } of ready) {
        const schedule = await lockSchedule(trx, dialect, id);
        if (schedule === undefined) continue;
        const run = await beginWaiting(trx, schedule, atMs);
        if (run !== undefined) claimed.push(run);
      }
      events.push(...claimed.map((run) => triggered(run, false)));
      return claimed;
    });
  }

  async hasWaiting(): Promise<boolean> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('schedule_runs')
        .select('sequence')
        .where('is_open', '=', IS_OPEN)
        .where('state', '=', 'waiting')
        .limit(1)
        .executeTakeFirst(),
    );
    return row !== undefined;
  }

  async reclaim({ nowMs, staleMs, limit }: ReclaimRequest): Promise<readonly ClaimedRun[]> {
    const stale = await this.#database.read((db) =>
      db
        .selectFrom('schedule_runs')
        .innerJoin('schedules', 'schedules.id', 'schedule_runs.schedule_id')
        .selectAll('schedules')
        .select(['schedule_runs.job_id', 'schedule_runs.due_at', 'schedule_runs.claimed_at'])
        .where('schedule_runs.is_open', '=', IS_OPEN)
        .where('schedule_runs.state', '=', 'submitting')
        .where((eb) =>
          eb.or([
            eb('schedule_runs.claimed_at', '<=', nowMs - staleMs),
            // The clock was set back since.
            eb('schedule_runs.claimed_at', '>', nowMs),
          ]),
        )
        .orderBy('schedule_runs.sequence')
        .limit(limit)
        .execute(),
    );
    const ours: ClaimedRun[] = [];
    for (const row of stale) {
      const taken = await this.#database.write((trx) =>
        trx
          .updateTable('schedule_runs')
          .set({ claimed_at: nowMs })
          .where('job_id', '=', row.job_id)
          .where('state', '=', 'submitting')
          .where('claimed_at', '=', row.claimed_at)
          .executeTakeFirst(),
      );
      if (taken.numUpdatedRows === 0n) continue;
      const jobId = row.job_id as JobId;
      ours.push({ schedule: rowToSchedule(row), jobId, dueAt: row.due_at });
    }
    return ours;
  }

  async markSubmitted(jobIds: readonly JobId[], atMs: number): Promise<void> {
    if (jobIds.length === 0) return;
    await this.#database.write((trx) =>
      trx
        .updateTable('schedule_runs')
        .set({ state: 'running', submitted_at: atMs })
        .where('job_id', 'in', jobIds)
        // A quick job may have ended already.
        .where('state', '=', 'submitting')
        .execute(),
    );
  }

  async refuse(jobId: JobId, message: string, atMs: number): Promise<void> {
    const { dialect } = this.#database;
    await this.#commit(atMs, async (trx, events) => {
      const run = await trx
        .selectFrom('schedule_runs')
        .select(['schedule_id', 'is_manual'])
        .where('job_id', '=', jobId)
        .executeTakeFirst();
      const schedule = run && (await lockSchedule(trx, dialect, run.schedule_id));
      if (run === undefined || schedule === undefined) return;
      const refused = await trx
        .updateTable('schedule_runs')
        .set({ state: 'failed', is_open: 0, ended_at: atMs, message })
        .where('job_id', '=', jobId)
        .where('state', '=', 'submitting')
        .executeTakeFirst();
      if (refused.numUpdatedRows === 0n) return;
      await trx
        .updateTable('schedules')
        .set({ failed_runs: schedule.failedRuns + 1 })
        .where('id', '=', schedule.id)
        .execute();
      const isManual = run.is_manual === 1;
      const ended = { jobId: undefined, isManual, isGood: false, message };
      events.push(outcomeEvent(schedule, ended));
    });
  }

  async listAheadOf(ms: number): Promise<readonly Schedule[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('schedules')
        .selectAll()
        .where('is_enabled', '=', 1)
        .where((eb) => eb.or([eb('last_due_at', '>', ms), eb('updated_at', '>', ms)]))
        .execute(),
    );
    return rows.map(rowToSchedule);
  }

  async moveTo(schedule: Schedule, next: ScheduleNext): Promise<void> {
    await this.#database.write((trx) => moveOn(trx, schedule, next));
  }

  /** Events are written last, and told of once they are there. */
  async #commit<T>(
    at: number,
    work: (trx: Transaction<Schema>, events: DomainEvent[]) => Promise<T>,
  ): Promise<T> {
    const { dialect } = this.#database;
    const { done, count } = await this.#database.write(async (trx) => {
      const events: DomainEvent[] = [];
      const result = await work(trx, events);
      await appendEvents(trx, dialect, { at, events });
      return { done: result, count: events.length };
    });
    if (count > 0) this.#eventSignal.notify();
    return done;
  }
}

function tooManyRuns(): DroverError {
  return new DroverError(
    'resource_exhausted',
    `${MOST_OPEN_RUNS} runs of this schedule have not ended; wait for some, or cancel them`,
    { reason: 'TOO_MANY_RUNS', metadata: { limit: String(MOST_OPEN_RUNS) } },
  );
}
