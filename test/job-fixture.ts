/** Jobs, handlers that do as tests tell them, and runners over real stores. */
import type { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog, type Log } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SecretBox } from '#kernel/secret-box.ts';
import type { JobContext, JobHandler } from '#jobs/job-handler.ts';
import { JobRunner, type JobLimits } from '#jobs/job-runner.ts';
import { JobService } from '#jobs/job-service.ts';
import type { JobStore } from '#jobs/job-store.ts';
import type { JobProgress, JobRequest, JsonObject } from '#jobs/job.ts';
import type { EventLog } from '#events/event-log.ts';

export const testSecretBox = new SecretBox(new Uint8Array(32).fill(7));

export function jobRequest(choices: Partial<JobRequest> = {}): JobRequest {
  return { kind: 'test', subject: 'DC/vm/one', spec: { size: 1 }, ...choices };
}

export function progressOf(stage: string, percent: number): JobProgress {
  return {
    ...{ stage, percent, doneBytes: percent, totalBytes: 100, bytesPerSecond: undefined },
    ...{ secondsLeft: undefined, message: undefined, parts: [] },
  };
}

/** One call of a handler, that ends when the test says so. */
export interface Call {
  readonly context: JobContext;
  readonly answer: (result?: JsonObject) => void;
  readonly fail: (error: Error) => void;
}

/** Each call waits for the test; by default it gives up when it is told to stop. */
export class TestHandler implements JobHandler {
  readonly kind = 'test';
  readonly calls: Call[] = [];
  readonly cleaned: JobContext[] = [];
  obeys = true;
  cleanUpError: Error | undefined;

  async run(context: JobContext): Promise<JsonObject> {
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    this.calls.push({ context, answer: (result = {}) => resolve(result), fail: reject });
    const onAbort = () => {
      if (this.obeys) reject(context.signal.reason as Error);
    };
    context.signal.addEventListener('abort', onAbort);
    if (context.signal.aborted) onAbort();
    return await promise;
  }

  async cleanUp(context: JobContext): Promise<readonly string[]> {
    await Promise.resolve();
    this.cleaned.push(context);
    if (this.cleanUpError !== undefined) throw this.cleanUpError;
    return ['disk-0.qcow2'];
  }
}

export interface RunnerChoices {
  readonly handlers?: readonly JobHandler[];
  readonly limits?: Partial<JobLimits>;
  readonly holder?: string;
  readonly log?: Log;
  readonly metrics?: MetricsRegistry;
  readonly clock?: FakeClock;
}

export interface JobStores {
  readonly jobs: JobStore;
  readonly events: EventLog;
  readonly clock: FakeClock;
}

export function createJobRunner(stores: JobStores, choices: RunnerChoices = {}): JobRunner {
  const { handlers = [new TestHandler()], holder = 'host-1', log = silentLog } = choices;
  const { clock = stores.clock, metrics = new MetricsRegistry() } = choices;
  const limits = { slots: 2, ...choices.limits };
  const parts = { store: stores.jobs, secretBox: testSecretBox };
  return new JobRunner({ ...parts, handlers, clock, log, metrics, holder, limits });
}

export function createJobService(
  stores: JobStores,
  handlers: readonly JobHandler[] = [new TestHandler()],
): JobService {
  const parts = { store: stores.jobs, secretBox: testSecretBox, clock: stores.clock };
  return new JobService({ ...parts, handlers });
}

/** The kinds of the events about a job, in order. */
export async function jobEventKinds(stores: JobStores): Promise<string[]> {
  const recorded = await stores.events.read({ afterId: 0, limit: 1000 });
  return recorded.map(({ event }) => event.kind.replace('job.', ''));
}
