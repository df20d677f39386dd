/**
 * One attempt of a job, from its claim to what is to be written about it.
 *
 *   claimed ──▶ run ──answers──▶ completed
 *     │          ├───throws────▶ retrying, failed
 *     │          ├──shutdown───▶ released
 *     │          └──cancelled──▶ cleanUp ──▶ cancelled, or as if it had failed
 *     └──(to be cancelled)──────────┘
 *
 * What always holds:
 * - After the lease is lost nothing is written, whatever the handler does.
 * - Nothing is cleaned up while `run` goes on. A handler that does not come back when it is told
 *   to stop is left alone; the job then fails, and says that nothing was removed.
 */
import type { Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { randomFraction } from '#kernel/random.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { openContext, type ContextParts } from './job-context.ts';
import { outcomeToEvent } from './job-events.ts';
import type { JobContext, JobHandler, StopReason } from './job-handler.ts';
import { outcomeOfFailure, toJobError } from './job-retry.ts';
import type { Claim, Lease, Outcome, SettledAttempt } from './job-store.ts';
import type { JsonObject } from './job.ts';
import { toPlainJson, toPlainText } from './plain-json.ts';
import { Stopper } from './stopper.ts';

/** For a handler to come back after it was told to stop. */
const STOP_MS = 10 * SECOND_MS;
const CLEAN_UP_MS = 5 * MINUTE_MS;
const MOST_RESULT_BYTES = 256 * 1024;
const MOST_TOLD = 2000;

/** The same for all attempts of a runner. */
export interface AttemptParts extends ContextParts {
  readonly holder: string;
  readonly onLeaveSlot: (attempt: JobAttempt) => void;
}

type Ended<T> = { readonly value: T } | { readonly thrown: unknown };

export class JobAttempt {
  readonly claim: Claim;
  readonly lease: Lease;
  readonly #handler: JobHandler;
  readonly #parts: AttemptParts;
  readonly #work = new Stopper();
  #cleaning: Stopper | undefined;
  #controls: JsonObject;
  /** Goes on without the handler: it was told to stop, and has not come back for too long. */
  #giveUp: ((thrown: unknown) => void) | undefined;
  #limit: Timer | undefined;
  #hasLanes: boolean;
  #checkpoint: unknown;
  /** Until the handler is out of it; longer than `run` when it does not come back. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(claim: Claim, handler: JobHandler, parts: AttemptParts) {
    this.claim = claim;
    this.#handler = handler;
    this.#parts = parts;
    this.#controls = claim.job.controls;
    this.#hasLanes = claim.holdsLanes;
    this.#checkpoint = claim.checkpoint;
    this.lease = { id: claim.job.id, holder: parts.holder, attempt: claim.job.attempt };
  }

  get id(): JobId {
    return this.claim.job.id;
  }

  get stopReason(): StopReason | undefined {
    return this.#work.reason;
  }

  /** Resolves when no code of the handler runs any more. */
  async idle(): Promise<void> {
    await this.#busy;
  }

  stop(reason: StopReason): void {
    if (reason !== 'cancelled') this.#cleaning?.stop(reason);
    const isFirst = this.#work.reason === undefined;
    this.#work.stop(reason);
    const isWorking = this.#giveUp !== undefined && this.#cleaning === undefined;
    if (!isFirst || !isWorking || reason === 'shutdown') return;
    this.#limit = this.#parts.clock.after(STOP_MS, () => this.#giveUp?.(stuckError()));
  }

  setControls(controls: JsonObject): void {
    this.#controls = controls;
  }

  /** It was claimed and not begun: nothing has happened, and it can go elsewhere. */
  release(message: string): SettledAttempt {
    return this.#settle({ kind: 'released' }, message);
  }

  /** Undefined when the lease was lost. Never throws. */
  async run(): Promise<SettledAttempt | undefined> {
    const before = this.#work.reason;
    if (before === 'lease-lost') return undefined;
    if (before === 'shutdown') return this.release('the process that was to run it stops');
    if (this.claim.job.isCancelRequested || before === 'cancelled') return await this.#cleanUp();
    const handler = this.#handler;
    const ended = await this.#callUnlessStuck((context) => handler.run(context), this.#work);
    const { reason } = this.#work;
    if (reason === 'lease-lost') return undefined;
    if ('value' in ended) return this.#complete(ended.value);
    if (isStuck(ended.thrown)) return this.#leaveAlone(ended.thrown);
    if (reason === 'cancelled') return await this.#cleanUp();
    if (reason === 'shutdown') return this.release('the process that ran it stops');
    return this.#fail(ended.thrown);
  }

  #complete(result: JsonObject): SettledAttempt {
    try {
      const text = toPlainJson(result, 'the result', MOST_RESULT_BYTES);
      return this.#settle({ kind: 'completed', result: text }, 'the job was completed');
    } catch (thrown) {
      return this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): SettledAttempt {
    const { clock, log } = this.#parts;
    const { job, failures } = this.claim;
    const error = toJobError(thrown);
    const circumstances = { nowMs: clock.nowMs(), chance: randomFraction(), failures };
    const outcome = outcomeOfFailure(job, error, circumstances);
    const fields = { error: toDroverError(thrown), job: job.id, kind: job.kind };
    const isLast = outcome.kind === 'failed';
    if (isLast) log.error(fields, 'a job failed');
    else log.warn(fields, 'an attempt of a job failed; there will be another');
    const text = `attempt ${job.attempt} failed: ${error.message}`;
    this.#parts.journal.log(job, this.lease, { level: isLast ? 'error' : 'warn', text });
    return this.#settle(outcome, error.message);
  }

  #leaveAlone(thrown: unknown): SettledAttempt {
    const { job } = this.claim;
    this.#parts.log.error({ job: job.id, kind: job.kind }, 'a job does not stop when told to');
    const error = toJobError(thrown);
    return this.#settle({ kind: 'failed', error }, error.message);
  }

  async #cleanUp(): Promise<SettledAttempt | undefined> {
    const { clock } = this.#parts;
    const handler = this.#handler;
    this.#cleaning = new Stopper();
    if (this.#work.reason === 'lease-lost' || this.#work.reason === 'shutdown') {
      this.#cleaning.stop(this.#work.reason);
    }
    this.#limit = clock.after(CLEAN_UP_MS, () => this.#giveUp?.(cleanUpTookTooLongError()));
    const ended = await this.#callUnlessStuck(
      (context) => handler.cleanUp(context),
      this.#cleaning,
    );
    if (this.#cleaning.reason === 'lease-lost') return undefined;
    if ('value' in ended) {
      const removed = ended.value.length === 0 ? '' : `; removed: ${ended.value.join(', ')}`;
      const message = toPlainText(`the job was cancelled${removed}`, MOST_TOLD);
      return this.#settle({ kind: 'cancelled' }, message);
    }
    if (this.#cleaning.reason === 'shutdown') return this.release('the process that ran it stops');
    return this.#fail(ended.thrown);
  }

  async #callUnlessStuck<T>(
    call: (context: JobContext) => Promise<T>,
    stopper: Stopper,
  ): Promise<Ended<T>> {
    const { promise, resolve } = Promise.withResolvers<Ended<T>>();
    this.#giveUp = (thrown) => resolve({ thrown });
    this.#busy = this.#call(call, stopper).then(resolve);
    const ended = await promise;
    this.#limit?.cancel();
    this.#giveUp = undefined;
    return ended;
  }

  /** The context is opened in here too: secrets that do not open fail the attempt. */
  async #call<T>(call: (context: JobContext) => Promise<T>, stopper: Stopper): Promise<Ended<T>> {
    try {
      const { claim, lease } = this;
      const context = openContext(this.#parts, {
        ...{ claim, lease, stopper },
        onLeaveSlot: () => this.#parts.onLeaveSlot(this),
        controls: () => this.#controls,
        onLane: () => void (this.#hasLanes = true),
        checkpoint: () => this.#checkpoint,
        onCheckpoint: (saved) => void (this.#checkpoint = saved),
        onLost: () => this.stop('lease-lost'),
      });
      return { value: await call(context) };
    } catch (thrown) {
      return { thrown };
    }
  }

  #settle(outcome: Outcome, message: string): SettledAttempt {
    const { job } = this.claim;
    const at = this.#parts.clock.nowMs();
    const hasEnded = outcome.kind === 'completed' || outcome.kind === 'cancelled';
    return {
      ...{ job, at, outcome, message },
      event: outcomeToEvent(job, outcome, { at, message }),
      holdsLanes: this.#hasLanes,
      isCleanUp: this.#cleaning !== undefined,
      dropsCheckpoint: hasEnded && this.#checkpoint !== undefined,
    };
  }
}

const STUCK = 'DOES_NOT_STOP';

function isStuck(thrown: unknown): boolean {
  return thrown instanceof DroverError && thrown.reason === STUCK;
}

function stuckError(): DroverError {
  return new DroverError(
    'internal',
    `it was told to stop and had not done so after ${STOP_MS / SECOND_MS} s; ` +
      'nothing was removed: restart this Drover, then clean the job up',
    { reason: STUCK },
  );
}

function cleanUpTookTooLongError(): DroverError {
  return new DroverError(
    'deadline_exceeded',
    `cleaning up took longer than ${CLEAN_UP_MS / MINUTE_MS} minutes`,
    { reason: 'CLEAN_UP_TOOK_TOO_LONG' },
  );
}
