/** What people and schedules do with jobs. A runner, here or elsewhere, does the rest. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument, toDroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { randomHex } from '#kernel/random.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { cleanUpAfter } from './job-cleaning.ts';
import { cancelledEvent, retryingEvent } from './job-events.ts';
import type { JobHandler } from './job-handler.ts';
import type { JobHistoryEntry } from './job-history.ts';
import { MOST_IDS, MOST_LISTED, MOST_OFFSET } from './job-list.ts';
import type { JobPage, JobQuery } from './job-list.ts';
import type { JobLogLine } from './job-log.ts';
import { assertAllowed, assertNotBeingCleaned, isAllowed, jobNotFoundError } from './job-rules.ts';
import type { JobChange, JobStore, PageQuery } from './job-store.ts';
import type { Job, JobError, JobRequest, JobState, JsonObject } from './job.ts';
import { makeJob } from './new-job.ts';
import { toPlainJson } from './plain-json.ts';

const MOST_SUBMITTED = 1000;
const MOST_PENDING = 200_000;
const MOST_CONTROL_BYTES = 16 * 1024;
const MOST_ENTRIES = 1000;
/** Rows that are locked at a time. */
const CHANGED_AT_ONCE = 500;

export interface JobServiceParts {
  readonly store: JobStore;
  /** Names the kinds there are, and cleans up after a job when asked to. */
  readonly handlers: readonly JobHandler[];
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  /** Unless told otherwise 200,000. */
  readonly mostPending?: number | undefined;
}

export interface CancelRequest {
  readonly ids?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
}

export interface CancelAnswer {
  /** Those that were pending have ended; those that run have been asked to stop. */
  readonly cancelled: readonly JobId[];
  readonly failed: readonly { readonly id: string; readonly message: string }[];
}

export class JobService {
  readonly #parts: JobServiceParts;
  readonly #handlers: ReadonlyMap<string, JobHandler>;

  constructor(parts: JobServiceParts) {
    this.#parts = parts;
    this.#handlers = new Map(parts.handlers.map((handler) => [handler.kind, handler]));
  }

  /** All or none, in the order of the requests. The same id with the same content is one job. */
  async submit(requests: readonly JobRequest[]): Promise<readonly Job[]> {
    if (requests.length === 0) return [];
    if (requests.length > MOST_SUBMITTED) {
      throw invalidArgument('jobs', `at most ${MOST_SUBMITTED} at once, not ${requests.length}`);
    }
    const { store, secretBox, clock, mostPending = MOST_PENDING } = this.#parts;
    const kinds = new Set(this.#handlers.keys());
    const nowMs = clock.nowMs();
    const made = requests.map((request, at) => {
      const path = requests.length === 1 ? '' : `jobs.${at}.`;
      return makeJob(request, { secretBox, nowMs, kinds, path });
    });
    const byId = new Map(made.map((each) => [each.job.id, each]));
    const differing = made.find(
      ({ job, contentHash }) => byId.get(job.id)?.contentHash !== contentHash,
    );
    if (differing !== undefined) {
      throw invalidArgument('jobs', `the id ${differing.job.id} stands for two different jobs`);
    }
    const stored = await store.submit([...byId.values()], mostPending);
    const storedById = new Map(stored.map((job) => [job.id, job]));
    return made.map(({ job }) => storedById.get(job.id) ?? job);
  }

  async get(id: string): Promise<Job> {
    const job = await this.#parts.store.find(id);
    if (job === undefined) throw jobNotFoundError(id);
    return job;
  }

  async list(query: JobQuery): Promise<JobPage> {
    checkWhole('limit', query.limit, [1, MOST_LISTED]);
    checkWhole('offset', query.offset ?? 0, [0, MOST_OFFSET]);
    if ((query.ids?.length ?? 0) > MOST_IDS) throw invalidArgument('ids', `at most ${MOST_IDS}`);
    return await this.#parts.store.list(query);
  }

  async counts(): Promise<Readonly<Record<JobState, number>>> {
    return await this.#parts.store.counts();
  }

  /** By id, by state, or both: those of the ids that are in one of the states. */
  async cancel({ ids, states }: CancelRequest): Promise<CancelAnswer> {
    if (ids === undefined) return await this.#cancelInStates(states ?? []);
    if (ids.length > MOST_IDS) throw invalidArgument('ids', `at most ${MOST_IDS}`);
    return await this.#cancelThose([...new Set(ids)], states);
  }

  /** At once, whatever it waits for. */
  async retry(id: string): Promise<Job> {
    return await this.#changeOne(id, (job, at) => {
      assertAllowed('retry', job);
      assertNotBeingCleaned(job, at);
      if (job.state === 'pending' && job.isCancelRequested) throw beingCancelledError(id);
      return retryNow(job, at);
    });
  }

  /** What was removed, in words. The job stays; tried again it begins from its start. */
  async clean(id: string): Promise<readonly string[]> {
    const { store, secretBox, clock } = this.#parts;
    const job = await this.get(id);
    assertAllowed('clean', job);
    const handler = this.#handlers.get(job.kind);
    if (handler === undefined) throw unknownKindError(job.kind, [...this.#handlers.keys()]);
    const holder = `cleaning/${randomHex(8)}`;
    return await cleanUpAfter({ store, secretBox, clock, handler, holder }, job.id);
  }

  /** Merged into those that are there; what is null is taken away. */
  async setControls(id: string, controls: JsonObject): Promise<Job> {
    return await this.#changeOne(id, (job, at) => {
      assertAllowed('set-controls', job);
      const merged = Object.entries({ ...job.controls, ...controls });
      const kept = Object.fromEntries(merged.filter(([, value]) => value !== null));
      toPlainJson(kept, 'controls', MOST_CONTROL_BYTES);
      const message = `controls were changed: ${Object.keys(controls).join(', ').slice(0, 200)}`;
      const entry = { at, kind: 'controls-changed', attempt: job.attempt, message } as const;
      return { job: { ...job, controls: kept }, entry, event: undefined, isFresh: false };
    });
  }

  async history(id: string, page: PageQuery): Promise<readonly JobHistoryEntry[]> {
    checkWhole('limit', page.limit, [1, MOST_ENTRIES]);
    const job = await this.get(id);
    return await this.#parts.store.history(job.id, page);
  }

  async logs(id: string, page: PageQuery): Promise<readonly JobLogLine[]> {
    checkWhole('limit', page.limit, [1, MOST_ENTRIES]);
    const job = await this.get(id);
    return await this.#parts.store.logs(job.id, page);
  }

  /** One that has ended. What it left where it worked stays: see `clean`. */
  async remove(id: string): Promise<void> {
    const job = await this.get(id);
    assertAllowed('remove', job);
    if (!(await this.#parts.store.remove(job.id))) assertAllowed('remove', await this.get(id));
  }

  async #changeOne(id: string, decide: (job: Job, at: number) => JobChange): Promise<Job> {
    const at = this.#parts.clock.nowMs();
    const changed = await this.#parts.store.change([id], at, (job) => decide(job, at));
    const job = changed.get(id);
    if (job === undefined) throw jobNotFoundError(id);
    return job;
  }

  async #cancelInStates(states: readonly JobState[]): Promise<CancelAnswer> {
    const wanted = states.filter((state) => isAllowed('cancel', state));
    const cancelled: JobId[] = [];
    const failed: { readonly id: string; readonly message: string }[] = [];
    for (let after = ''; ;) {
      const page = { after, limit: CHANGED_AT_ONCE };
      const ids = await this.#parts.store.listIds(wanted, page);
      const answer = await this.#cancelThose(ids, wanted);
      cancelled.push(...answer.cancelled);
      failed.push(...answer.failed);
      const last = ids.at(-1);
      if (last === undefined || ids.length < CHANGED_AT_ONCE) return { cancelled, failed };
      after = last;
    }
  }

  async #cancelThose(
    ids: readonly string[],
    states: readonly JobState[] | undefined,
  ): Promise<CancelAnswer> {
    const at = this.#parts.clock.nowMs();
    const cancelled = new Map<string, JobId>();
    const jobs = new Map<string, Job>();
    for (let from = 0; from < ids.length; from += CHANGED_AT_ONCE) {
      const some = ids.slice(from, from + CHANGED_AT_ONCE);
      const changed = await this.#parts.store.change(some, at, (job) => {
        cancelled.delete(job.id);
        if (!isAllowed('cancel', job.state) || states?.includes(job.state) === false) {
          return undefined;
        }
        cancelled.set(job.id, job.id);
        return job.isCancelRequested ? undefined : cancelNow(job, at);
      });
      for (const [id, job] of changed) jobs.set(id, job);
    }
    const failed = ids.flatMap((id) => {
      if (cancelled.has(id)) return [];
      const job = jobs.get(id);
      return [{ id, message: toDroverError(refusalOf(id, job)).message }];
    });
    return { cancelled: [...cancelled.values()], failed };
  }
}

function refusalOf(id: string, job: Job | undefined): unknown {
  if (job === undefined) return jobNotFoundError(id);
  try {
    assertAllowed('cancel', job);
  } catch (refusal) {
    return refusal;
  }
  return new DroverError('failed_precondition', `job ${id} is ${job.state}`);
}

/** One that was never begun has left nothing and ends; of all others somebody must see to that. */
function cancelNow(job: Job, at: number): JobChange {
  if (job.state === 'pending' && job.attempt === 0) {
    const message = 'the job was cancelled before it began';
    const entry = { at, kind: 'cancelled', attempt: 0, message } as const;
    const event = cancelledEvent(job, message);
    return { job: { ...job, state: 'cancelled', endedAt: at }, entry, event, isFresh: false };
  }
  const message = 'somebody asked to cancel it';
  const entry = { at, kind: 'cancel-requested', attempt: job.attempt, message } as const;
  return { job: { ...job, isCancelRequested: true }, entry, event: undefined, isFresh: false };
}

function retryNow(job: Job, at: number): JobChange {
  const error: JobError = job.error ?? {
    kind: 'cancelled',
    reason: 'CANCELLED',
    message: 'the job was cancelled',
  };
  const event = retryingEvent(job, error, at);
  const message = 'somebody asked to try it again';
  return {
    job: { ...job, state: 'pending', isCancelRequested: false, endedAt: undefined, runAfter: at },
    entry: { at, kind: 'retrying', attempt: job.attempt, message },
    event,
    isFresh: true,
  };
}

function beingCancelledError(id: string): DroverError {
  return new DroverError(
    'failed_precondition',
    `job ${id} is being cancelled; it can be tried again when that is done`,
    { reason: 'JOB_STATE', metadata: { job_id: id, state: 'pending', command: 'retry' } },
  );
}

function checkWhole(field: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalidArgument(field, `must be a whole number from ${least} to ${most}`);
}

function unknownKindError(kind: string, kinds: readonly string[]): DroverError {
  return new DroverError(
    'unimplemented',
    `this Drover has no jobs of kind ${kind}, only ${kinds.join(', ')}`,
    { reason: 'UNKNOWN_JOB_KIND', metadata: { kind } },
  );
}
