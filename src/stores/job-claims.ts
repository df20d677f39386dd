/**
 * Which pending jobs a runner gets: in order of rank and age, but for those whose lanes are full,
 * and nobody waits behind them.
 *
 * Jobs in no lane have an index of their own, and are its front. Of the others each set of lanes
 * has its own stretch of an index, and finding its head costs the same however many wait in it: a
 * set whose lanes are full is passed over in one step.
 */
import { sql, type Kysely, type SqlBool, type Transaction } from 'kysely';
import { laneLimit, limitedLanes } from '#jobs/lane-limits.ts';
import type { ClaimOrder } from '#jobs/job-store.ts';
import type { Dialect } from './dialects/dialect.ts';
import { insertGiven } from './given-rows.ts';
import { CLEAN_UP_RANK, JOB_COLUMNS, type JobRow } from './job-row.ts';
import type { Schema } from './schema.ts';

export interface ClaimedRow extends JobRow {
  readonly lane_set: string;
  readonly rank: number;
  readonly sequence: number;
  readonly failures: number;
  readonly history_count: number;
}

const CLAIMED_COLUMNS = [
  ...JOB_COLUMNS,
  ...(['lane_set', 'rank', 'sequence', 'failures', 'history_count'] as const),
] as const;

/** Sets of lanes that are looked at, and those that jobs are taken from at a time. */
const MOST_SETS = 5000;
const MOST_OPEN_SETS = 32;

/** Locks the rows that it answers. */
export async function pickJobs(
  trx: Transaction<Schema>,
  dialect: Dialect,
  order: ClaimOrder,
): Promise<readonly ClaimedRow[]> {
  const { most, mostAhead, isCleanUpOnly } = order;
  const free = await readyRows(trx, dialect, order)
    .where(IS_FREE)
    .orderBy('rank')
    .orderBy('sequence')
    .limit(most + mostAhead)
    .execute();
  const sets = most === 0 || isCleanUpOnly ? [] : await headsOfSets(trx);
  if (sets.length === 0) return free;
  const picker = new Picker(trx, dialect, order);
  await picker.countLanes();
  const inLanes = await readOpenSets(trx, dialect, { order, sets, picker });
  picker.take([...inLanes, ...free].toSorted(byTurn));
  await picker.enterLanes();
  return picker.picked;
}

function byTurn(one: ClaimedRow, other: ClaimedRow): number {
  return one.rank - other.rank || one.sequence - other.sequence;
}

class Picker {
  readonly #trx: Transaction<Schema>;
  readonly #dialect: Dialect;
  readonly #order: ClaimOrder;
  readonly #picked = new Map<string, ClaimedRow>();
  readonly #entered: [string, string][] = [];
  /** Jobs in each lane. */
  #taken = new Map<string, number>();

  constructor(trx: Transaction<Schema>, dialect: Dialect, order: ClaimOrder) {
    this.#trx = trx;
    this.#dialect = dialect;
    this.#order = order;
  }

  get picked(): readonly ClaimedRow[] {
    return [...this.#picked.values()];
  }

  take(rows: readonly ClaimedRow[]): void {
    const { most, mostAhead } = this.#order;
    for (const row of rows) {
      const lanes = this.lanesOfSet(row.lane_set);
      // What runs ahead of its turn must not keep others out of a lane.
      const room = row.lane_set === '' ? most + mostAhead : most;
      if (this.#picked.size >= room || !this.hasRoom(lanes)) continue;
      this.#picked.set(row.id, row);
      for (const lane of lanes) {
        this.#taken.set(lane, (this.#taken.get(lane) ?? 0) + 1);
        this.#entered.push([lane, row.id]);
      }
    }
  }

  hasRoom(lanes: readonly string[]): boolean {
    const { lanes: limits } = this.#order;
    return lanes.every((lane) => (this.#taken.get(lane) ?? 0) < laneLimit(limits, lane));
  }

  lanesOfSet(laneSet: string): readonly string[] {
    if (laneSet === '') return [];
    return limitedLanes(this.#order.lanes, JSON.parse(laneSet) as string[]);
  }

  async enterLanes(): Promise<void> {
    const shape = { lane: 'text', job_id: 'text' } as const;
    await insertGiven(this.#trx, this.#dialect, 'job_lanes', { shape, rows: this.#entered });
  }

  /** Under a lock: two claims at once must not both see the last place. */
  async countLanes(): Promise<void> {
    this.#taken = await takenLanes(this.#trx, this.#dialect);
  }
}

async function takenLanes(
  trx: Transaction<Schema>,
  dialect: Dialect,
): Promise<Map<string, number>> {
  await dialect.takeLock(trx, 'lanes');
  const rows = await trx
    .selectFrom('job_lanes')
    .select((eb) => ['lane', eb.fn.countAll<number>().as('jobs')] as const)
    .groupBy('lane')
    .execute();
  return new Map(rows.map(({ lane, jobs }) => [lane, Number(jobs)]));
}

/** Answers whether there was room. A lane that the job is in already it may enter again. */
export async function enterLane(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { lane, jobId, limit }: { readonly lane: string; readonly jobId: string; readonly limit: number },
): Promise<boolean> {
  await dialect.takeLock(trx, 'lanes');
  const inLane = await trx
    .selectFrom('job_lanes')
    .select('job_id')
    .where('lane', '=', lane)
    .execute();
  if (inLane.some((row) => row.job_id === jobId)) return true;
  if (inLane.length >= limit) return false;
  await trx.insertInto('job_lanes').values({ lane, job_id: jobId }).execute();
  return true;
}

/** In these words, so that the planner knows the indexes over what is ready. */
const IS_READY = sql<SqlBool>`state = 'pending' and is_due = 1`;
const IS_FREE = sql<SqlBool>`lane_set = ''`;
const IS_IN_LANES = sql<SqlBool>`lane_set <> ''`;

function readyRows(trx: Transaction<Schema>, dialect: Dialect, order: ClaimOrder) {
  return trx
    .selectFrom('jobs')
    .select(CLAIMED_COLUMNS)
    .where(IS_READY)
    .where('kind', 'in', order.kinds)
    .$if(order.isCleanUpOnly, (some) => some.where('rank', '=', CLEAN_UP_RANK))
    .$if(dialect.supportsRowLocks, (some) => some.forUpdate().skipLocked());
}

interface SetHead {
  readonly lane_set: string;
  readonly rank: number;
}

async function readOpenSets(
  trx: Transaction<Schema>,
  dialect: Dialect,
  wanted: {
    readonly order: ClaimOrder;
    readonly sets: readonly SetHead[];
    readonly picker: Picker;
  },
): Promise<readonly ClaimedRow[]> {
  const { order, sets, picker } = wanted;
  const open = sets
    .filter(({ lane_set: laneSet }) => picker.hasRoom(picker.lanesOfSet(laneSet)))
    .toSorted((one, other) => one.rank - other.rank)
    .slice(0, MOST_OPEN_SETS);
  const rows: ClaimedRow[] = [];
  for (const { lane_set: laneSet } of open) {
    const ofSet = readyRows(trx, dialect, order).where(IS_IN_LANES).where('lane_set', '=', laneSet);
    rows.push(...(await ofSet.orderBy('rank').orderBy('sequence').limit(order.most).execute()));
  }
  return rows;
}

/** Jumps from one set to the next, past all that wait in it. */
async function headsOfSets(trx: Transaction<Schema>): Promise<readonly SetHead[]> {
  const waiting = sql`jobs where ${IS_READY} and ${IS_IN_LANES}`;
  const { rows } = await sql<SetHead>`
    with recursive sets (lane_set) as (
      select (select min(lane_set) from ${waiting})
      union all
      select (select min(jobs.lane_set) from ${waiting} and jobs.lane_set > sets.lane_set)
      from sets where sets.lane_set is not null
    )
    select lane_set,
      (select min(jobs.rank) from ${waiting} and jobs.lane_set = sets.lane_set) as rank
    from sets where lane_set is not null limit ${MOST_SETS}`.execute(trx);
  return rows;
}

/** Whether there is something to claim, or at least to look at. */
export async function isSomethingReady(
  db: Kysely<Schema>,
  kinds: readonly string[],
): Promise<boolean> {
  for (const condition of [IS_FREE, IS_IN_LANES]) {
    const row = await db
      .selectFrom('jobs')
      .select('id')
      .where(IS_READY)
      .where(condition)
      .where('kind', 'in', kinds)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}
