/** A runner that a test drives: its clock stands, and its handler does as it is told. */
import assert from 'node:assert/strict';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { JobContext } from '#jobs/job-handler.ts';
import type { JobRunner } from '#jobs/job-runner.ts';
import type { JobService } from '#jobs/job-service.ts';
import type { Job, JobRequest, JobState } from '#jobs/job.ts';
import type { OpenStores } from './contract/databases.ts';
import {
  createJobRunner,
  createJobService,
  jobRequest,
  TestHandler,
  type Call,
  type RunnerChoices,
} from './job-fixture.ts';

export interface Life extends AsyncDisposable {
  readonly stores: OpenStores;
  readonly handler: TestHandler;
  readonly service: JobService;
  readonly runner: JobRunner;
  submit(...choices: Partial<JobRequest>[]): Promise<readonly Job[]>;
  /** Moves the clock until the job is in the state. */
  until(id: string, state: JobState): Promise<Job>;
  /** Moves the clock until the handler was called, or was asked to clean up, so often. */
  call(number: number): Promise<Call>;
  cleaning(number: number): Promise<JobContext>;
  startAnother(choices?: RunnerChoices): Promise<JobRunner>;
}

/** Owns the stores. */
export async function openLife(given: OpenStores, choices: RunnerChoices = {}): Promise<Life> {
  const stack = new AsyncDisposableStack();
  const stores = stack.use(given);
  const handler = new TestHandler();
  const service = createJobService(stores, [handler]);
  const startAnother = async (others: RunnerChoices = {}) => {
    const runner = stack.use(createJobRunner(stores, { handlers: [handler], ...others }));
    await runner.start();
    return runner;
  };
  const runner = await startAnother(choices);
  const advanceUntil = async <T>(look: () => T | undefined, what: string): Promise<T> => {
    for (let step = 0; step < 400; step += 1) {
      const found = look();
      if (found !== undefined) return found;
      await stores.clock.advance(SECOND_MS / 4);
    }
    throw new Error(`there is no ${what}`);
  };
  return {
    ...{ stores, handler, service, runner, startAnother },
    call: (number) => advanceUntil(() => handler.calls[number - 1], `call ${number}`),
    cleaning: (number) => advanceUntil(() => handler.cleaned[number - 1], `cleaning ${number}`),
    submit: (...requests) => service.submit(requests.map(jobRequest)),
    async until(id, state) {
      for (let step = 0; step < 300; step += 1) {
        const job = await service.get(id);
        if (job.state === state) return job;
        await stores.clock.advance(SECOND_MS / 4);
      }
      throw new Error(`job ${id} is ${(await service.get(id)).state}, not ${state}`);
    },
    async [Symbol.asyncDispose]() {
      handler.obeys = true;
      for (const call of handler.calls) call.fail(new Error('the test is over'));
      const disposed = stack.disposeAsync();
      await stores.clock.advance(10 * SECOND_MS);
      await disposed;
    },
  };
}

export const broken = new DroverError('unavailable', 'the connection broke', { reason: 'BROKEN' });
export const wrong = new DroverError('unauthenticated', 'the password is wrong');

export async function first(life: Life, choices: Partial<JobRequest> = {}): Promise<Job> {
  const [job] = await life.submit(choices);
  assert.ok(job !== undefined);
  return job;
}
