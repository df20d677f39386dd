/** What does the work of one kind of job. The runner knows no kind; it knows this. */
import type { LogLevel } from '#jobs/job-log.ts';
import type { Job, JobProgress, JsonObject } from './job.ts';

export type StopReason = 'cancelled' | 'lease-lost' | 'shutdown';

export interface JobContext {
  readonly job: Job;
  /** What was sealed with the request. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Aborts when the job is to be cancelled, the lease is lost, or the process ends: see `stop`. */
  readonly signal: AbortSignal;
  /** Why `signal` aborted. Only after `cancelled` may what was transferred be removed. */
  readonly stopReason: () => StopReason | undefined;
  /** The last that was saved, by this attempt or an earlier one; undefined at the very first. */
  readonly checkpoint: unknown;
  /** Resolves when it is stored. Throws when the lease is lost: then stop, and touch nothing. */
  saveCheckpoint(checkpoint: JsonObject): Promise<void>;
  /** Cheap: what is stored is the newest, about once a second. */
  report(progress: JobProgress): void;
  log(level: LogLevel, text: string): void;
  /** As they are now; they change while the job runs. */
  controls(): JsonObject;
  /** From now on it only waits for other jobs, which need the room that it takes. */
  leaveSlot(): void;
  /** Waits until the lane has room. It is left when the attempt ends. */
  enterLane(lane: string): Promise<void>;
}

export interface JobHandler {
  readonly kind: string;
  /**
   * Runs an attempt to its end. What it answers is the result; what it throws says by its kind
   * whether another attempt can help: see `isWorthRetrying`. After the signal aborted it must
   * come back soon: what it leaves behind it writes into its checkpoint first. What it answers
   * after that counts still: a job that was done when it was told to stop is completed.
   */
  run(context: JobContext): Promise<JsonObject>;
  /**
   * Removes what a job left that will not be run again: after it was cancelled, and when an
   * operator asks to clean up after a failed one. It can be called twice, and after a crash.
   */
  cleanUp(context: JobContext): Promise<readonly string[]>;
}
