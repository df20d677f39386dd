/** Schedules on a database of their own, a clock that stands, and jobs that end when told to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobRequest } from '#jobs/job.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';
import { RunSubmitter, type JobSubmitter } from '#schedules/run-submitter.ts';
import type { ScheduleDraft } from '#schedules/schedule-draft.ts';
import { ScheduleRunner } from '#schedules/schedule-runner.ts';
import { ScheduleService, type ScheduleServiceParts } from '#schedules/schedule-service.ts';
import type { Schedule } from '#schedules/schedule.ts';
import { appendEvents } from '#stores/event-writer.ts';
import { recordScheduleOutcome, type ScheduleOutcome } from '#stores/schedule-outcomes.ts';
import { openStoresAt, type OpenStores } from '#test/contract/databases.ts';
import { createLogCapture, type LogCapture } from '#test/log-capture.ts';

/** Notes what is submitted, and keeps the promise about ids that the real one makes. */
export class FakeJobs implements JobSubmitter {
  readonly submitted: JobRequest[] = [];
  /** Throws what it answers, at each call. */
  refusal: (requests: readonly JobRequest[]) => DroverError | undefined = () => undefined;
  onSubmit: (request: JobRequest) => Promise<void> = () => Promise.resolve();

  async submit(requests: readonly JobRequest[]): Promise<readonly Job[]> {
    const refusal = this.refusal(requests);
    if (refusal !== undefined) throw refusal;
    for (const request of requests) {
      const same = this.submitted.find(({ id }) => id === request.id);
      if (same === undefined) this.submitted.push(request);
      else if (JSON.stringify(same) !== JSON.stringify(request)) throw taken();
      await this.onSubmit(request);
    }
    return [];
  }

  get ids(): readonly (JobId | undefined)[] {
    return this.submitted.map(({ id }) => id);
  }
}

function taken(): DroverError {
  return new DroverError('already_exists', 'another job has this id');
}

export class ScheduleFixture implements AsyncDisposable {
  readonly stores: OpenStores;
  readonly jobs = new FakeJobs();
  readonly logged: LogCapture = createLogCapture();
  readonly secretBox = new SecretBox(Buffer.alloc(SECRET_KEY_BYTES, 1));
  readonly submitter: RunSubmitter;
  readonly service: ScheduleService;
  readonly runner: ScheduleRunner;
  readonly #directory: string;

  private constructor(
    stores: OpenStores,
    directory: string,
    options: Partial<ScheduleServiceParts>,
  ) {
    this.stores = stores;
    this.#directory = directory;
    const { clock, scheduleRuns: runs, schedules: store } = stores;
    const { jobs, secretBox } = this;
    this.submitter = new RunSubmitter({ runs, jobs, secretBox, clock, log: this.logged.log });
    this.runner = this.createRunner();
    this.service = new ScheduleService({
      ...{ store, runs, submitter: this.submitter, secretBox, clock, defaultTimezone: 'UTC' },
      onChange: () => this.runner.wake(),
      ...options,
    });
  }

  static async open(options: Partial<ScheduleServiceParts> = {}): Promise<ScheduleFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'drover-schedules-'));
    const stores = await openStoresAt(`sqlite:${join(directory, 'drover.db')}`);
    return new ScheduleFixture(stores, directory, options);
  }

  get clock() {
    return this.stores.clock;
  }

  /** One more process over the same database, with a submitter of its own if one is given. */
  createRunner(submitter = this.submitter): ScheduleRunner {
    const { clock, scheduleRuns: runs } = this.stores;
    return new ScheduleRunner({ runs, submitter, clock, log: this.logged.log });
  }

  async create(choices: Partial<ScheduleDraft> = {}): Promise<Schedule> {
    const template = { kind: 'migration', subject: '/DC0/vm/web', spec: { to: 'kvm' } };
    return await this.service.create({ schedule: '@hourly', template, ...choices });
  }

  /** Sets both clocks on, then looks. Nothing is started, so nothing else does. */
  async lookAfter(ms: number): Promise<number> {
    await this.clock.advance(ms);
    return await this.runner.look();
  }

  async end(schedule: Schedule, at: number, choices: Partial<ScheduleOutcome> = {}): Promise<void> {
    const jobId = this.jobs.ids.at(at);
    if (jobId === undefined) throw new Error(`there is no job ${at}`);
    const { database } = this.stores;
    const outcome: ScheduleOutcome = {
      ...{ jobId, scheduleId: schedule.id, at: this.clock.nowMs() },
      ...{ state: 'completed', message: 'the job is done' },
      ...choices,
    };
    await database.write(async (trx) => {
      const events = await recordScheduleOutcome(trx, database.dialect, outcome);
      await appendEvents(trx, database.dialect, { at: outcome.at, events });
    });
  }

  /** The oldest first. */
  async states({ id }: Schedule): Promise<readonly string[]> {
    const runs = await this.service.runs(id, { limit: 1000 });
    return runs.map(({ state }) => state).toReversed();
  }

  async read({ id }: Schedule): Promise<Schedule> {
    return await this.service.get(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
    await this.stores[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true });
  }
}
