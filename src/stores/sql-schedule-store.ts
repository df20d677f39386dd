import { sql, type SelectQueryBuilder, type Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { ScheduleId } from '#kernel/ids.ts';
import type {
  SchedulePage,
  ScheduleQuery,
  ScheduleSort,
  ScheduleStats,
  ScheduleStore,
} from '#schedules/schedule-store.ts';
import type { Schedule } from '#schedules/schedule.ts';
import type { Database } from './database.ts';
import { lockSchedule, rowToSchedule, scheduleToRow, settingsToRow } from './schedule-rows.ts';
import type { Schema } from './schema.ts';

/** Counts what was inserted. Whoever inserts holds its row, so that the limit holds. */
const INSERTED = 'schedules.inserted';

const SORT_COLUMNS = {
  id: 'id',
  name: 'name',
  createdAt: 'created_at',
  nextRunAt: 'next_run_at',
  lastRunAt: 'last_run_at',
} as const satisfies Record<ScheduleSort, string>;

export class SqlScheduleStore implements ScheduleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(schedule: Schedule, most: number): Promise<void> {
    await this.#database.write(
      async (trx) => {
        await countInsert(trx);
        await assertRoom(trx, most);
        await trx.insertInto('schedules').values(scheduleToRow(schedule)).execute();
      },
      { onTaken: (table) => (table === 'schedules' ? idTaken(schedule.id) : undefined) },
    );
  }

  async find(id: ScheduleId): Promise<Schedule | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('schedules').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && rowToSchedule(row);
  }

  async list({ sort, order, limit, offset, enabled }: ScheduleQuery): Promise<SchedulePage> {
    return await this.#database.read(async (db) => {
      const wanted = db
        .selectFrom('schedules')
        .$if(enabled !== undefined, (some) =>
          some.where('is_enabled', '=', enabled === true ? 1 : 0),
        );
      const { total } = await wanted
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      const rows = await sorted(wanted, sort, order)
        .selectAll()
        .limit(limit)
        .offset(offset)
        .execute();
      return { schedules: rows.map(rowToSchedule), total: Number(total) };
    });
  }

  async update(id: ScheduleId, change: (now: Schedule) => Schedule): Promise<Schedule | undefined> {
    return await this.#database.write(async (trx) => {
      const now = await lockSchedule(trx, this.#database.dialect, id);
      if (now === undefined) return undefined;
      const wanted = change(now);
      // No two changes are from the same instant, so none is taken for another.
      const updatedAt = Math.max(wanted.updatedAt, now.updatedAt + 1);
      const row = await trx
        .updateTable('schedules')
        .set(settingsToRow({ ...wanted, updatedAt }))
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return rowToSchedule(row);
    });
  }

  async remove(id: ScheduleId): Promise<boolean> {
    return await this.#database.write(async (trx) => {
      const there = await lockSchedule(trx, this.#database.dialect, id);
      if (there === undefined) return false;
      await trx.deleteFrom('schedule_runs').where('schedule_id', '=', id).execute();
      await trx.deleteFrom('schedules').where('id', '=', id).execute();
      return true;
    });
  }

  async stats(): Promise<ScheduleStats> {
    const sums = await this.#database.read((db) =>
      db
        .selectFrom('schedules')
        .select((eb) => [
          eb.fn.countAll<number>().as('total'),
          eb.fn.sum<number | null>('is_enabled').as('enabled'),
          eb.fn.sum<number | null>('run_count').as('runs'),
          eb.fn.sum<number | null>('successful_runs').as('successful'),
          eb.fn.sum<number | null>('failed_runs').as('failed'),
          eb.fn.min('next_run_at').as('next_run_at'),
        ])
        .executeTakeFirstOrThrow(),
    );
    const total = Number(sums.total);
    const enabled = Number(sums.enabled ?? 0);
    return {
      ...{ total, enabled, disabled: total - enabled },
      totalRuns: Number(sums.runs ?? 0),
      successfulRuns: Number(sums.successful ?? 0),
      failedRuns: Number(sums.failed ?? 0),
      nextRunAt: sums.next_run_at ?? undefined,
    };
  }
}

/** What has no value comes last in either order, and in either database. */
function sorted<Row>(
  query: SelectQueryBuilder<Schema, 'schedules', Row>,
  sort: ScheduleSort,
  order: 'asc' | 'desc',
) {
  return query
    .orderBy(SORT_COLUMNS[sort], (by) => (order === 'asc' ? by.asc() : by.desc()).nullsLast())
    .orderBy('id', order);
}

async function countInsert(trx: Transaction<Schema>): Promise<void> {
  const value = sql<string>`cast(cast(settings.value as bigint) + 1 as text)`;
  await trx
    .insertInto('settings')
    .values({ name: INSERTED, value: '1' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

async function assertRoom(trx: Transaction<Schema>, most: number): Promise<void> {
  const { count } = await trx
    .selectFrom('schedules')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (Number(count) < most) return;
  throw new DroverError(
    'resource_exhausted',
    `there are ${most} schedules already, and no more are taken; remove some first`,
    { reason: 'TOO_MANY_SCHEDULES', metadata: { limit: String(most) } },
  );
}

function idTaken(id: ScheduleId): DroverError {
  return new DroverError(
    'already_exists',
    `id: there is a schedule ${id} already; choose another id, or change that schedule`,
    { reason: 'SCHEDULE_EXISTS', metadata: { field: 'id' } },
  );
}
