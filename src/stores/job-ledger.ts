/**
 * What one transaction tells of jobs: history, counts, runs of schedules, and last the events. It
 * is gathered while rows change, and written at the end in the one order in which all do so.
 */
import { sql, type Transaction } from 'kysely';
import type { DomainEvent, JobEvent } from '#events/event.ts';
import { MOST_HISTORY, type HistoryDraft } from '#jobs/job-history.ts';
import { isEnded, type Job, type JobState } from '#jobs/job.ts';
import type { Dialect } from './dialects/dialect.ts';
import { appendEvents } from './event-writer.ts';
import { insertGiven, type GivenRow } from './given-rows.ts';
import { JobCountChanges } from './job-counts.ts';
import { recordScheduleOutcome, type ScheduleOutcome } from './schedule-outcomes.ts';
import type { Schema } from './schema.ts';

interface Step {
  readonly job: Pick<Job, 'id' | 'scheduleId'>;
  readonly from: JobState | undefined;
  readonly to: JobState;
  readonly entry: HistoryDraft;
  /** The sequence of the entry. */
  readonly sequence: number;
  readonly event: JobEvent | undefined;
}

const HISTORY = {
  ...({ job_id: 'text', sequence: 'number', at: 'number', kind: 'text' } as const),
  ...({ attempt: 'number', message: 'text' } as const),
} as const;

/** Such entries are made when they are asked for: see job-pages.ts. */
function followsFromRow({ kind, attempt }: HistoryDraft): boolean {
  return kind === 'submitted' || kind === 'completed' || (kind === 'started' && attempt === 1);
}

export class JobLedger {
  readonly #trx: Transaction<Schema>;
  readonly #dialect: Dialect;
  readonly #history: GivenRow[] = [];
  readonly #crowded = new Map<string, number>();
  readonly #counts = new JobCountChanges();
  readonly #ended: ScheduleOutcome[] = [];
  readonly #events: DomainEvent[] = [];

  constructor(trx: Transaction<Schema>, dialect: Dialect) {
    this.#trx = trx;
    this.#dialect = dialect;
  }

  add({ job, from, to, entry, sequence, event }: Step): void {
    const { at, kind, attempt, message } = entry;
    if (!followsFromRow(entry)) {
      this.#history.push([job.id, sequence, at, kind, attempt, message]);
    }
    if (sequence > MOST_HISTORY) this.#crowded.set(job.id, sequence - MOST_HISTORY);
    if (from !== to) this.#counts.move(from, to);
    if (event !== undefined) this.#events.push(event);
    if (job.scheduleId !== undefined && from !== to && isEnded(to)) {
      this.#ended.push({ jobId: job.id, scheduleId: job.scheduleId, state: to, at, message });
    }
  }

  /** Nothing may be written in the transaction after this. */
  async write(at: number): Promise<void> {
    const dialect = this.#dialect;
    await insertGiven(this.#trx, dialect, 'job_history', { shape: HISTORY, rows: this.#history });
    for (const [id, through] of this.#crowded) {
      const ofJob = this.#trx.deleteFrom('job_history').where('job_id', '=', id);
      await ofJob.where('sequence', '<=', through).execute();
    }
    await this.#counts.write(this.#trx);
    for (const outcome of this.#ended.toSorted(bySchedule)) {
      this.#events.push(...(await recordScheduleOutcome(this.#trx, dialect, outcome)));
    }
    await appendEvents(this.#trx, dialect, { at, events: this.#events });
  }
}

function bySchedule(one: ScheduleOutcome, other: ScheduleOutcome): number {
  return one.scheduleId < other.scheduleId ? -1 : 1;
}

/** No two changes of a job are from the same instant, so none is taken for another. */
export function laterThanBefore(at: number) {
  return sql<number>`case when jobs.updated_at >= ${at} then jobs.updated_at + 1 else ${at} end`;
}
