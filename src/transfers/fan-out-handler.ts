/**
 * A path with `*` in it means each VM that it matches: this job finds them, submits one job for
 * each, under one batch, and ends as they did.
 *
 *   find ─▶ submit ─▶ (which they are is stored) ─▶ wait, without a slot ─▶ what they came to
 *             ▲                                                                 │
 *             └──── somebody tries it again: so are those that did not succeed ─┘
 *
 * The ids of those jobs follow from its own, so an attempt after a crash submits the same ones
 * again, which changes nothing. Whoever cancels it cancels them, whoever cleans it up cleans up
 * those that failed, and a limit that is set for it while it runs is set for each of them.
 */
import { createHash } from 'node:crypto';
import type { JobContext, JobHandler } from '#jobs/job-handler.ts';
import type { JobPage, JobQuery } from '#jobs/job-list.ts';
import type { Job, JobRequest, JobState, JsonObject } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Sources } from './migration-parts.ts';
import { FAN_OUT_KIND, MIGRATION_KIND, readSpec } from './migration-spec.ts';
import { noVmMatches } from './no-vm-matches.ts';
import { lanesOf } from './parse-migration.ts';
import type { VmSummary } from './source-vm.ts';

const AT_ONCE = 500;
/** Between two looks at how the jobs stand. */
const LOOK_MS = 2 * SECOND_MS;
const ENDED = ['completed', 'failed', 'cancelled'] as const;
const MOST_NAMED = 5;

export interface FanOutParts {
  readonly clock: Clock;
  readonly sources: Sources;
  readonly jobs: {
    submit(requests: readonly JobRequest[]): Promise<readonly Job[]>;
    list(query: JobQuery): Promise<JobPage>;
    cancel(query: { readonly ids: readonly string[] }): Promise<unknown>;
    retry(id: string): Promise<unknown>;
    clean(id: string): Promise<readonly string[]>;
    setControls(id: string, controls: JsonObject): Promise<unknown>;
  };
}

type Counts = Readonly<Record<(typeof ENDED)[number], number>>;

export class FanOutHandler implements JobHandler {
  readonly kind = FAN_OUT_KIND;
  readonly #parts: FanOutParts;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  async run(context: JobContext): Promise<JsonObject> {
    const { children, isSubmitted, isOver } = readFanOut(context.checkpoint);
    const ids = isSubmitted ? children : await this.#submit(context);
    if (isOver === true) {
      await this.#retry(await this.#lost(ids), context);
      await context.saveCheckpoint({ ...readFanOut(context.checkpoint), isOver: false });
    }
    context.leaveSlot();
    const { completed, failed, cancelled } = await this.#awaitEnd(ids, context);
    if (failed + cancelled > 0) {
      await context.saveCheckpoint({ ...readFanOut(context.checkpoint), isOver: true });
      throw await this.#failureOf(ids, { completed, failed, cancelled });
    }
    return { batch_id: batchOf(context.job), submitted: ids.length, completed };
  }

  /** What it made is cancelled as well, and only then has it been. */
  async cleanUp(context: JobContext): Promise<readonly string[]> {
    const { children: ids } = readFanOut(context.checkpoint);
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      await this.#parts.jobs.cancel({ ids: ids.slice(at, at + AT_ONCE) });
    }
    while ((await this.#count(ids, ['pending', 'running'])) > 0) {
      await this.#parts.clock.sleep(LOOK_MS / 10, context.signal);
    }
    const removed: string[] = [];
    await this.#forEach(await this.#listAll(ids, ['failed']), context, async ({ id }) => {
      removed.push(...(await this.#parts.jobs.clean(id)));
    });
    return removed;
  }

  async #submit(context: JobContext): Promise<readonly JobId[]> {
    const { job, secrets, signal } = context;
    const spec = readSpec(job);
    await using source = await this.#parts.sources.open(spec.source, secrets, signal);
    const found = await source.listVms({ pattern: spec.vmPath }, signal);
    const vms = found.filter(({ isTemplate }) => !isTemplate);
    if (vms.length === 0) throw noVmMatches(spec.vmPath);
    const requests = vms.map((vm) => ({ ...requestFor(vm, context), id: childId(job.id, vm.ref) }));
    const ids = requests.map(({ id }) => id);
    const isGoingOn = readFanOut(context.checkpoint).children.length > 0;
    // One that was cleaned or cancelled forgot what it made, and finds it again by its ids.
    const lost = isGoingOn ? [] : await this.#lost(ids);
    // First, so that whoever cancels it meanwhile knows of all that there may be.
    await context.saveCheckpoint({ children: ids, isSubmitted: false });
    await this.#retry(lost, context);
    for (let at = 0; at < requests.length; at += AT_ONCE) {
      signal.throwIfAborted();
      await this.#parts.jobs.submit(requests.slice(at, at + AT_ONCE));
    }
    await context.saveCheckpoint({ children: ids, isSubmitted: true });
    context.log('info', `submitted a job for each of ${vms.length} VMs that match ${spec.vmPath}`);
    return ids;
  }

  async #lost(ids: readonly JobId[]): Promise<readonly Job[]> {
    return await this.#listAll(ids, ['failed', 'cancelled']);
  }

  async #retry(lost: readonly Job[], context: JobContext): Promise<void> {
    await this.#forEach(lost, context, ({ id }) => this.#parts.jobs.retry(id));
    if (lost.length > 0) context.log('info', `${lost.length} that did not succeed are tried again`);
  }

  /** Once for each change: what was said of one of them since stays. */
  async #passOn(ids: readonly JobId[], context: JobContext): Promise<void> {
    const controls = context.controls();
    const { controls: passedOn = {}, ...fanOut } = readFanOut(context.checkpoint);
    if (JSON.stringify(controls) === JSON.stringify(passedOn)) return;
    const open = await this.#listAll(ids, ['pending', 'running']);
    await this.#forEach(open, context, ({ id }) => this.#parts.jobs.setControls(id, controls));
    await context.saveCheckpoint({ ...fanOut, controls });
    context.log('info', `the limits of ${open.length} jobs were changed with those of this one`);
  }

  /** Those that end meanwhile, or are forgotten, are no trouble. */
  async #forEach(
    jobs: readonly Job[],
    { signal }: JobContext,
    work: (job: Job) => Promise<unknown>,
  ): Promise<void> {
    for (const job of jobs) {
      signal.throwIfAborted();
      try {
        await work(job);
      } catch (thrown) {
        const isGone = isErrorKind(thrown, 'not_found');
        if (!isGone && !isErrorKind(thrown, 'failed_precondition')) throw thrown;
      }
    }
  }

  async #listAll(ids: readonly JobId[], states: readonly JobState[]): Promise<readonly Job[]> {
    const all: Job[] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      all.push(...(await this.#list(ids.slice(at, at + AT_ONCE), states, AT_ONCE)).jobs);
    }
    return all;
  }

  async #awaitEnd(ids: readonly JobId[], context: JobContext): Promise<Counts> {
    for (;;) {
      await this.#passOn(ids, context);
      const [completed, failed, cancelled] = [
        await this.#count(ids, ['completed']),
        await this.#count(ids, ['failed']),
        await this.#count(ids, ['cancelled']),
      ];
      const ended = completed + failed + cancelled;
      context.report({
        ...{ stage: 'waiting', message: `${ended} of ${ids.length} jobs have ended` },
        ...{ percent: (ended * 100) / ids.length, doneBytes: 0, totalBytes: undefined },
        ...{ bytesPerSecond: undefined, secondsLeft: undefined, parts: [] },
      });
      // Those that are gone were ended long ago, and forgotten.
      if ((await this.#count(ids, ['pending', 'running'])) === 0) {
        return { completed, failed, cancelled };
      }
      await this.#parts.clock.sleep(LOOK_MS, context.signal);
    }
  }

  async #count(ids: readonly JobId[], states: readonly JobState[]): Promise<number> {
    let count = 0;
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      count += (await this.#list(ids.slice(at, at + AT_ONCE), states, 1)).total;
    }
    return count;
  }

  async #failureOf(ids: readonly JobId[], counts: Counts): Promise<DroverError> {
    const { jobs } = await this.#list(ids.slice(0, AT_ONCE), ['failed', 'cancelled'], MOST_NAMED);
    const named = jobs.map(({ subject, state }) => `${subject} ${state}`).join(', ');
    const { failed, cancelled } = counts;
    const what = [
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(cancelled > 0 ? [`${cancelled} ${cancelled === 1 ? 'was' : 'were'} cancelled`] : []),
    ];
    return new DroverError(
      'failed_precondition',
      `of ${ids.length} jobs ${what.join(' and ')}: ${named}` +
        (failed + cancelled > jobs.length ? ', …' : ''),
      { reason: 'BATCH_FAILED' },
    );
  }

  async #list(ids: readonly JobId[], states: readonly JobState[], limit: number): Promise<JobPage> {
    return await this.#parts.jobs.list({ ids, states, sort: 'createdAt', order: 'asc', limit });
  }
}

interface FanOut {
  readonly children: readonly JobId[];
  readonly isSubmitted: boolean;
  /** Somebody tries it again if it runs once more. */
  readonly isOver?: boolean;
  /** Those of this job that were set for them too. */
  readonly controls?: JsonObject;
}

function readFanOut(checkpoint: unknown): FanOut {
  // Written by this code.
  return (checkpoint as FanOut | undefined) ?? { children: [], isSubmitted: false };
}

function requestFor(vm: VmSummary, { job, secrets }: JobContext): JobRequest {
  const { name, spec, priority, maxAttempts, scheduleId } = job;
  return {
    ...{ priority, maxAttempts, scheduleId, lanes: lanesOf(readSpec(job)) },
    kind: MIGRATION_KIND,
    name: name === undefined ? undefined : `${name}: ${vm.name}`.slice(0, 200),
    subject: vm.path,
    spec: { ...spec, vmPath: vm.path },
    secrets,
    batchId: batchOf(job),
  };
}

function batchOf({ id, batchId }: Job): string {
  return batchId ?? id;
}

/** Of the form that clients expect: a UUID, of the version for those that follow from a text. */
function childId(parent: JobId, ref: string): JobId {
  const hex = createHash('sha256').update(`${parent} ${ref}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) % 4) + 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-') as JobId;
}
