/**
 * Lists of jobs, page by page, and what a job has said and been through.
 *
 * A page is a walk over the jobs in the order in which they came, or in that of an index for
 * another order, until it is full; where an index of the runners, of batches or of schedules holds
 * all that can fit, over that one. The indexes for order alone are written with each change of a
 * job, which is some 30 µs for all of one that does nothing; to sort 100,000 jobs takes half a
 * second.
 */
import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely';
import { invalidArgument } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { MOST_HISTORY, type JobHistoryEntry, type JobHistoryKind } from '#jobs/job-history.ts';
import type { JobPage, JobQuery, JobSort } from '#jobs/job-list.ts';
import type { JobLogLine, LogLevel } from '#jobs/job-log.ts';
import type { PageQuery } from '#jobs/job-store.ts';
import { JOB_STATES, type JobState } from '#jobs/job.ts';
import { readCounts } from './job-counts.ts';
import { JOB_COLUMNS, rowToJob } from './job-row.ts';
import type { JobTable } from './job-schema.ts';
import type { Schema } from './schema.ts';

const SUBMITTED = { kind: 'submitted', message: 'the job was submitted' } as const;
const STARTED = { kind: 'started', message: 'the job was started' } as const;
const COMPLETED = { kind: 'completed', message: 'the job was completed' } as const;

/** More are not counted one by one; see `JobPage`. */
const MOST_COUNTED = 10_000;

/** In these words, so that the planner knows the indexes, which hold no others. */
const IS_RUNNING = sql<SqlBool>`state = 'running'`;
const IS_UNFINISHED = sql<SqlBool>`state in ('failed', 'cancelled')`;

const SORTED_BY = {
  createdAt: 'sequence',
  updatedAt: 'updated_at',
  priority: 'priority',
} as const satisfies Record<JobSort, string>;

export async function readPage(db: Kysely<Schema>, query: JobQuery): Promise<JobPage> {
  const { sort, order, limit, offset = 0, cursor } = query;
  const column = SORTED_BY[sort];
  const place = placeOf(query);
  const from = cursor === undefined ? undefined : parseCursor(cursor);
  const beyond = sql.raw(order === 'asc' ? '>' : '<');
  const rows = await matching(db, query)
    .select([...JOB_COLUMNS, 'sequence'])
    .$if(from !== undefined && column === 'sequence', (some) =>
      some.where(sql<SqlBool>`${place} ${beyond} ${from?.[1]}`),
    )
    .$if(from !== undefined && column !== 'sequence', (some) =>
      some.where(
        sql<SqlBool>`(${sql.ref(column)}, ${place}) ${beyond} (${from?.[0]}, ${from?.[1]})`,
      ),
    )
    .$if(column !== 'sequence', (some) => some.orderBy(column, order))
    .orderBy(place, order)
    .limit(limit + 1)
    .$if(from === undefined && offset > 0, (some) => some.offset(offset))
    .execute();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const isEnd = from === undefined && last === undefined && (rows.length > 0 || offset === 0);
  return {
    jobs: shown.map(rowToJob),
    total: isEnd ? offset + rows.length : await countMatching(db, query),
    next: last && `${last[column]}.${last.sequence}`,
  };
}

/**
 * SQLite would rather walk over all jobs in order than sort the few that run; of an expression it
 * does not know that they are in order already.
 */
function placeOf({ states }: JobQuery): RawBuilder<number> {
  return states !== undefined && isOnly(states, ['running']) ? sql`+sequence` : sql`sequence`;
}

function parseCursor(cursor: string): readonly [number, number] {
  const parts = /^(-?\d{1,15})\.(\d{1,15})$/.exec(cursor);
  if (parts === null) throw invalidArgument('cursor', 'must be what the page before answered');
  return [Number(parts[1]), Number(parts[2])];
}

function matching(db: Kysely<Schema>, query: JobQuery) {
  const { ids, states, kinds, batchId, scheduleId, subject } = query;
  return db
    .selectFrom('jobs')
    .$if(ids !== undefined, (some) => some.where('id', 'in', orNone(ids)))
    .$if(states !== undefined, (some) => some.where(isInStates(states ?? [])))
    .$if(kinds !== undefined, (some) => some.where('kind', 'in', orNone(kinds)))
    .$if(batchId !== undefined, (some) => some.where('batch_id', '=', batchId ?? ''))
    .$if(scheduleId !== undefined, (some) => some.where('schedule_id', '=', scheduleId ?? ''))
    .$if(subject !== undefined, (some) =>
      some.where(sql<SqlBool>`
      lower(subject) like ${`%${toPattern(subject ?? '')}%`} escape '!'`),
    );
}

function isInStates(states: readonly JobState[]): RawBuilder<SqlBool> {
  if (isOnly(states, ['running'])) return IS_RUNNING;
  const names = orNone(states).map((state) => sql.lit(state));
  const isOneOf = sql<SqlBool>`state in (${sql.join(names)})`;
  const isUnfinished = isOnly(states, ['failed', 'cancelled']);
  return isUnfinished ? sql<SqlBool>`${isOneOf} and ${IS_UNFINISHED}` : isOneOf;
}

function isOnly(states: readonly JobState[], some: readonly JobState[]): boolean {
  return states.length > 0 && states.every((state) => some.includes(state));
}

/** An empty list is one that nothing is in, and no SQL. */
function orNone(values: readonly string[] = []): readonly string[] {
  return values.length === 0 ? [''] : values;
}

/** Both databases change the case of ASCII in the same way. */
function toPattern(text: string): string {
  const lower = text.replaceAll(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  return lower.replaceAll(/[!%_]/g, (special) => `!${special}`);
}

async function countMatching(db: Kysely<Schema>, query: JobQuery): Promise<number> {
  const { ids, states, kinds, batchId, scheduleId, subject } = query;
  const others = [ids, kinds, batchId, scheduleId, subject];
  if (others.every((filter) => filter === undefined)) {
    const counts = await readCounts(db);
    const wanted = new Set(states ?? JOB_STATES);
    return [...wanted].reduce((sum, state) => sum + counts[state], 0);
  }
  const { count } = await db
    .selectFrom(matching(db, query).select('id').limit(MOST_COUNTED).as('matching'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/**
 * That a job was submitted, first started and completed follows from its row, and is not stored:
 * of most jobs nothing else is told.
 */
export async function readHistory(
  db: Kysely<Schema>,
  id: JobId,
  { after, limit }: PageQuery,
): Promise<readonly JobHistoryEntry[]> {
  const job = await db
    .selectFrom('jobs')
    .select(['state', 'created_at', 'started_at', 'ended_at', 'attempt'])
    .select(['history_count', 'started_sequence'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (job === undefined) return [];
  const rows = await db
    .selectFrom('job_history')
    .select(['sequence', 'at', 'kind', 'attempt', 'message'])
    .where('job_id', '=', id)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  const stored = rows.map(({ kind, ...rest }) => ({ ...rest, kind: kind as JobHistoryKind }));
  const isKept = ({ sequence }: JobHistoryEntry) =>
    sequence > after && sequence > job.history_count - MOST_HISTORY;
  return [...stored, ...entriesOfRow(job).filter(isKept)]
    .toSorted((one, other) => one.sequence - other.sequence)
    .slice(0, limit);
}

type HistoryColumns = Pick<
  Selectable<JobTable>,
  | 'state'
  | 'created_at'
  | 'started_at'
  | 'ended_at'
  | 'attempt'
  | 'history_count'
  | 'started_sequence'
>;

function entriesOfRow(job: HistoryColumns): readonly JobHistoryEntry[] {
  const { created_at: createdAt, started_at: startedAt, ended_at: endedAt, attempt } = job;
  const entries: JobHistoryEntry[] = [{ sequence: 1, at: createdAt, attempt: 0, ...SUBMITTED }];
  const { started_sequence: startedSequence, history_count: last, state } = job;
  if (startedAt !== null && startedSequence !== null) {
    entries.push({ sequence: startedSequence, at: startedAt, attempt: 1, ...STARTED });
  }
  if (state === 'completed' && endedAt !== null) {
    entries.push({ sequence: last, at: endedAt, attempt, ...COMPLETED });
  }
  return entries;
}

export async function readLogs(
  db: Kysely<Schema>,
  id: JobId,
  { after, limit }: PageQuery,
): Promise<readonly JobLogLine[]> {
  const rows = await db
    .selectFrom('job_logs')
    .select(['sequence', 'at', 'level', 'text'])
    .where('job_id', '=', id)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(({ level, ...rest }) => ({ ...rest, level: level as LogLevel }));
}
