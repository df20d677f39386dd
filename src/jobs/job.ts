/**
 * A job is work that outlives the request, the connection and the process that asked for it.
 *
 *   pending ──▶ running ──▶ completed
 *    │  ▲          ├──────▶ failed
 *    │  └──────────┤  (an attempt failed for what can pass, or its process died)
 *    └─────────────┴──────▶ cancelled
 *
 * What always holds:
 * - Submitted means stored: an id that was answered is a row.
 * - Only the process that holds the lease writes what a running job does.
 * - Whoever asks to cancel sets a flag. A job is cancelled when its work has stopped and what it
 *   left has been cleaned up, not before.
 * - Nothing in `spec`, `progress`, `result` or `error` is a secret: those are in `sealedSecrets`.
 */
import type { JobProgressFields } from '#events/event.ts';
import type { ErrorKind } from '#kernel/errors.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';

export const JOB_STATES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
export type EndedState = Extract<JobState, 'completed' | 'failed' | 'cancelled'>;

/** What JSON can hold; the meaning is the handler's. */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface JobProgress extends JobProgressFields {
  /** Undefined while nothing moves or too little is known. */
  readonly bytesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
  /** What is going on, for people. */
  readonly message: string | undefined;
  /** One for each part that moves by itself, such as a disk. */
  readonly parts: readonly JobPart[];
}

export interface JobPart {
  readonly name: string;
  readonly doneBytes: number;
  readonly totalBytes: number | undefined;
}

export interface JobError {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
}

/** What whoever submits decides. */
export interface JobRequest {
  /** Absent: one is made. The same id with the same content is the same job. */
  readonly id?: JobId | undefined;
  /** Which handler does it. */
  readonly kind: string;
  readonly name?: string | undefined;
  readonly subject: string;
  readonly spec: JsonObject;
  /** Sealed before it is stored, and given to the handler alone. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** From -100 to 100; 0 unless said. Greater goes first. */
  readonly priority?: number | undefined;
  /**
   * What it shares with others and may be limited by: `vcenter:HOST`, `destination:URI`. A lane
   * that a handler learns of only as it runs it takes by `JobContext.enterLane`.
   */
  readonly lanes?: readonly string[] | undefined;
  readonly maxAttempts?: number | undefined;
  readonly batchId?: string | undefined;
  readonly scheduleId?: ScheduleId | undefined;
  /** Not before this instant. */
  readonly runAfter?: number | undefined;
}

export interface Job {
  readonly id: JobId;
  readonly kind: string;
  readonly name: string | undefined;
  readonly subject: string;
  readonly spec: JsonObject;
  readonly sealedSecrets: string | undefined;
  readonly priority: number;
  readonly lanes: readonly string[];
  readonly batchId: string | undefined;
  readonly scheduleId: ScheduleId | undefined;
  readonly state: JobState;
  readonly isCancelRequested: boolean;
  /** How often it was begun; 0 while it never was. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly progress: JobProgress | undefined;
  /** Why the last attempt failed; undefined again once a later one completed. */
  readonly error: JobError | undefined;
  /** What it has brought about; only of a completed job. */
  readonly result: JsonObject | undefined;
  /** What may be changed while it runs, such as a limit of bandwidth. */
  readonly controls: JsonObject;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Grows with each change of the row, so that who polls can ask for what is new. */
  readonly updatedAt: number;
  readonly runAfter: number;
  readonly leasedBy: string | undefined;
  readonly leasedUntil: number;
}

export function isEnded(state: JobState): state is EndedState {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}
