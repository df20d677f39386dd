/** Jobs in memory, that nobody runs: a test says what becomes of them. */
import type { JobEvent } from '#events/event.ts';
import {
  cancelledEvent,
  failedEvent,
  outcomeToEvent,
  retryingEvent,
  startedEvent,
  submittedEvent,
} from '#jobs/job-events.ts';
import type { JobHistoryEntry } from '#jobs/job-history.ts';
import type { JobPage, JobQuery } from '#jobs/job-list.ts';
import type { JobLogLine } from '#jobs/job-log.ts';
import type { CancelAnswer, CancelRequest } from '#jobs/job-service.ts';
import { isEnded, JOB_STATES, type Job, type JobRequest, type JobState } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { Jobs } from '#surfaces/migration/migration-parts.ts';

export class FakeJobs implements Jobs {
  readonly all = new Map<string, Job>();
  readonly requests: JobRequest[] = [];
  readonly lines: JobLogLine[] = [];
  readonly entries: JobHistoryEntry[] = [];
  /** How often something was asked. */
  readonly asked = { list: 0, counts: 0 };
  /** Thrown by `list` and `counts` while it is there. */
  failure: Error | undefined;
  readonly #clock: Clock;
  readonly #onEvent: (event: JobEvent) => void;
  #count = 0;

  constructor(clock: Clock, onEvent: (event: JobEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  async submit(requests: readonly JobRequest[]): Promise<readonly Job[]> {
    for (const { id } of requests) {
      if (id === undefined || !this.all.has(id)) continue;
      throw new DroverError('already_exists', `job with ID ${id} already exists`);
    }
    this.requests.push(...requests);
    return requests.map((request) => this.add(request));
  }

  /** Also for a test that wants one that is there. */
  add(request: Partial<JobRequest> = {}, changes: Partial<Job> = {}): Job {
    this.#count += 1;
    const nowMs = this.#clock.nowMs();
    const number = String(this.#count).padStart(4, '0');
    const job: Job = {
      id: request.id ?? (`00000000-0000-4000-8000-00000000${number}` as JobId),
      kind: request.kind ?? 'test',
      name: request.name,
      subject: request.subject ?? `DC0/vm/vm-${this.#count}`,
      spec: request.spec ?? {},
      sealedSecrets: request.secrets === undefined ? undefined : 'v1.sealed',
      priority: request.priority ?? 0,
      lanes: request.lanes ?? [],
      batchId: request.batchId,
      scheduleId: request.scheduleId,
      ...{ state: 'pending', isCancelRequested: false, attempt: 0 },
      maxAttempts: request.maxAttempts ?? 5,
      ...{ progress: undefined, error: undefined, result: undefined, controls: {} },
      ...{ createdAt: nowMs, startedAt: undefined, endedAt: undefined, updatedAt: nowMs },
      ...{ runAfter: nowMs, leasedBy: undefined, leasedUntil: 0 },
      ...changes,
    };
    this.all.set(job.id, job);
    this.#onEvent(submittedEvent(job));
    return job;
  }

  /** As in the store no two versions are of the same instant, and only a new state is an event. */
  set(id: string, changes: Partial<Job>): Job {
    const before = this.#find(id);
    const updatedAt = Math.max(before.updatedAt + 1, this.#clock.nowMs());
    const job = { ...before, updatedAt, ...changes };
    this.all.set(id, job);
    if (job.state !== before.state) this.#onEvent(eventOf(job, updatedAt));
    return job;
  }

  async get(id: string): Promise<Job> {
    return this.#find(id);
  }

  async list(query: JobQuery): Promise<JobPage> {
    this.asked.list += 1;
    if (this.failure !== undefined) throw this.failure;
    const { ids, states, subject = '', batchId, sort, order, limit } = query;
    const wanted = ids && new Set<string>(ids);
    const fitting = [...this.all.values()].filter(
      (job) =>
        wanted?.has(job.id) !== false &&
        states?.includes(job.state) !== false &&
        job.subject.includes(subject) &&
        (batchId === undefined || job.batchId === batchId),
    );
    const sorted = fitting.toSorted((a, b) => a[sort] - b[sort]);
    const ordered = order === 'asc' ? sorted : sorted.toReversed();
    const from = query.cursor === undefined ? (query.offset ?? 0) : Number(query.cursor);
    const end = from + limit;
    const next = end < ordered.length ? String(end) : undefined;
    return { jobs: ordered.slice(from, end), total: fitting.length, next };
  }

  async counts(): Promise<Readonly<Record<JobState, number>>> {
    this.asked.counts += 1;
    if (this.failure !== undefined) throw this.failure;
    const counts = { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    for (const state of JOB_STATES) counts[state] = this.#inStates([state]).length;
    return counts;
  }

  async cancel({ ids, states }: CancelRequest): Promise<CancelAnswer> {
    const named = ids ?? this.#inStates(states ?? []).map(({ id }) => id);
    const cancelled: JobId[] = [];
    const failed = named.flatMap((id) => {
      const job = this.all.get(id);
      const isFitting = job !== undefined && states?.includes(job.state) !== false;
      if (!isFitting || isEnded(job.state)) return [{ id, message: `job ${id} is not running` }];
      cancelled.push(this.set(id, { state: 'cancelled' }).id);
      return [];
    });
    return { cancelled, failed };
  }

  async retry(id: string): Promise<Job> {
    const { state } = this.#find(id);
    if (state === 'completed')
      throw new DroverError('failed_precondition', `job ${id} is ${state}`);
    return this.set(id, { state: 'pending' });
  }

  async clean(id: string): Promise<readonly string[]> {
    this.#find(id);
    return ['disk-0.qcow2'];
  }

  async setControls(id: string, controls: Job['controls']): Promise<Job> {
    return this.set(id, { controls });
  }

  async history(_id: string, page: { readonly after: number; readonly limit: number }) {
    return this.entries.filter(({ sequence }) => sequence > page.after).slice(0, page.limit);
  }

  async logs(_id: string, page: { readonly after: number; readonly limit: number }) {
    return this.lines.filter(({ sequence }) => sequence > page.after).slice(0, page.limit);
  }

  async remove(id: string): Promise<void> {
    this.#find(id);
    this.all.delete(id);
  }

  #inStates(states: readonly JobState[]): readonly Job[] {
    return [...this.all.values()].filter(({ state }) => states.includes(state));
  }

  #find(id: string): Job {
    const job = this.all.get(id);
    if (job !== undefined) return job;
    throw new DroverError('not_found', `there is no job ${id}`, { reason: 'JOB_NOT_FOUND' });
  }
}

function eventOf(job: Job, at: number): JobEvent {
  const error = { kind: 'unavailable', reason: 'GONE', message: 'it broke', ...job.error } as const;
  const told = { at, message: `the job is ${job.state}` };
  switch (job.state) {
    case 'pending':
      return retryingEvent(job, error, at);
    case 'running':
      return startedEvent(job);
    case 'completed':
      return outcomeToEvent(job, { kind: 'completed', result: '{}' }, told);
    case 'failed':
      return failedEvent(job, error, at);
    case 'cancelled':
      return cancelledEvent(job, told.message);
  }
}
