/**
 * Finds what jobs and schedules have done since the last look, at a cost that does not grow with
 * the jobs there are: the event log names the jobs that went on, and those that run are looked at
 * for what is no event, such as progress.
 *
 * What always holds:
 * - A look does so much and no more; what is left of the events waits for the next one.
 * - Events are behind us only when all that they led to was told: after a failure they are read
 *   again.
 * - The version of a job that was told in a look is not told again in the next.
 */
import {
  EVENT_KINDS,
  type JobEvent,
  type RecordedEvent,
  type ScheduleEvent,
} from '#events/event.ts';
import type { JobQuery } from '#jobs/job-list.ts';
import type { Job } from '#jobs/job.ts';
import type { JobId } from '#kernel/ids.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';

const KINDS = EVENT_KINDS.filter((kind) => /^(?:job|schedule)\./.test(kind));
const MOST_EVENTS = 2000;
const MOST_JOBS_AT_ONCE = 500;

export type LiveChange =
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'schedule'; readonly recorded: RecordedEvent<ScheduleEvent> };

export class LiveChanges {
  readonly #parts: Pick<MigrationParts, 'jobs' | 'events'>;
  /** The last event that is behind us. */
  #position: number | undefined;
  /** By their `updatedAt`: those that the last look has seen. */
  #seen: ReadonlyMap<JobId, number> = new Map();

  constructor(parts: Pick<MigrationParts, 'jobs' | 'events'>) {
    this.#parts = parts;
  }

  /** What happens after this is found by a look. Does nothing but the first time. */
  async begin(): Promise<void> {
    if (this.#position !== undefined) return;
    const lastId = await this.#parts.events.lastId();
    const running = await this.#readRunning();
    this.#seen = new Map(running.map(({ id, updatedAt }) => [id, updatedAt]));
    this.#position = lastId;
  }

  async *look(): AsyncGenerator<LiveChange> {
    await this.begin();
    const { events, lastId } = await this.#readEvents(this.#position ?? 0);
    const ids = [...new Set(events.filter(isOfJob).map(({ event }) => event.jobId))];
    const seen = new Map<JobId, number>();
    for (let from = 0; from < ids.length; from += MOST_JOBS_AT_ONCE) {
      const some = ids.slice(from, from + MOST_JOBS_AT_ONCE);
      yield* this.#changed(await this.#readJobs({ ids: some }), seen);
    }
    yield* this.#changed(await this.#readRunning(), seen);
    for (const recorded of events.filter(isOfSchedule)) yield { kind: 'schedule', recorded };
    this.#seen = seen;
    this.#position = lastId;
  }

  *#changed(jobs: readonly Job[], seen: Map<JobId, number>): Generator<LiveChange> {
    for (const job of jobs) {
      const before = seen.get(job.id) ?? this.#seen.get(job.id);
      seen.set(job.id, job.updatedAt);
      if (before !== job.updatedAt) yield { kind: 'job', job };
    }
  }

  async #readEvents(afterId: number) {
    const lastId = await this.#parts.events.lastId();
    if (lastId <= afterId) return { events: [], lastId: afterId };
    const query = { afterId, kinds: KINDS, limit: MOST_EVENTS };
    const events = await this.#parts.events.read(query);
    // What is not on a page that is not full was not there up to the last id.
    const reached = events.length === MOST_EVENTS ? afterId : lastId;
    return { events, lastId: Math.max(reached, events.at(-1)?.id ?? 0) };
  }

  async #readRunning(): Promise<readonly Job[]> {
    return await this.#readJobs({ states: ['running'] });
  }

  async #readJobs(some: Pick<JobQuery, 'ids' | 'states'>): Promise<readonly Job[]> {
    const query = { sort: 'createdAt', order: 'asc', limit: MOST_JOBS_AT_ONCE } as const;
    return (await this.#parts.jobs.list({ ...query, ...some })).jobs;
  }
}

function isOfJob(recorded: RecordedEvent): recorded is RecordedEvent<JobEvent> {
  return recorded.event.kind.startsWith('job.');
}

function isOfSchedule(recorded: RecordedEvent): recorded is RecordedEvent<ScheduleEvent> {
  return recorded.event.kind.startsWith('schedule.');
}
