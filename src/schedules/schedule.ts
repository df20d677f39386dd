/**
 * A schedule makes a job each time it is due.
 *
 *   due ──▶ submitting ──▶ running ──▶ completed | failed | cancelled
 *    │          │  ▲
 *    │          │  └── waiting (`queue`: until the run before has ended)
 *    │          └────▶ failed (the job was refused)
 *    └──▶ skipped (missed, or the run before goes on)
 *
 * What always holds:
 * - A due time is claimed once, in the transaction that moves the schedule on to the next one.
 * - The id of the job follows from the schedule and the due time. Whoever finds a run that was
 *   claimed and not submitted submits it, and it cannot become two.
 * - A run ends in the transaction that ends its job.
 */
import { createHash } from 'node:crypto';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type { JobRequest, JsonObject } from '#jobs/job.ts';

/** What becomes of due times at which nothing ran schedules. */
export const MISSED_POLICIES = ['skip', 'once', 'all'] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

/** What becomes of a due time at which an earlier run has not ended. */
export const OVERLAP_POLICIES = ['skip', 'queue', 'allow'] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/** What each run submits; the secrets are sealed. */
export interface JobTemplate {
  readonly kind: string;
  readonly name: string | undefined;
  readonly subject: string;
  readonly spec: JsonObject;
  readonly sealedSecrets: string | undefined;
  readonly priority: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly lanes: readonly string[] | undefined;
}

/** A template as it is given. */
export type JobTemplateDraft = Omit<JobRequest, 'id' | 'batchId' | 'scheduleId' | 'runAfter'>;

/** What the owner decides. */
export interface ScheduleSettings {
  readonly name: string;
  readonly description: string;
  /** As it was written; see `parseScheduleTime`. */
  readonly schedule: string;
  readonly timezone: string;
  readonly enabled: boolean;
  readonly template: JobTemplate;
  readonly missed: MissedPolicy;
  readonly overlap: OverlapPolicy;
  /** Each run is put off by up to so long, so that many schedules do not begin at once. */
  readonly jitterMs: number;
  readonly tags: readonly string[];
}

/** When it runs next; nothing of it while the schedule is disabled. */
export interface ScheduleNext {
  readonly nextDueAt: number | undefined;
  /** The due time and the jitter. */
  readonly nextRunAt: number | undefined;
}

export interface Schedule extends ScheduleSettings, ScheduleNext {
  readonly id: ScheduleId;
  readonly createdAt: number;
  /** Grows with each change by its owner. */
  readonly updatedAt: number;
  readonly lastRunAt: number | undefined;
  /** Runs that began, whatever became of them. */
  readonly runCount: number;
  readonly successfulRuns: number;
  /** Cancelled ones too: they did not do what they were for. */
  readonly failedRuns: number;
}

export const RUN_STATES = [
  ...(['waiting', 'submitting', 'running', 'completed', 'failed'] as const),
  ...(['cancelled', 'skipped'] as const),
] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface ScheduleRun {
  /** Grows in the order in which runs were decided on. */
  readonly sequence: number;
  readonly scheduleId: ScheduleId;
  readonly dueAt: number;
  readonly isManual: boolean;
  readonly state: RunState;
  /** Undefined when there is none: it waits, was skipped, or was refused. */
  readonly jobId: JobId | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Why it failed or was skipped. */
  readonly message: string | undefined;
}

/** The same for the same due time in every process and after every crash. A UUID, version 8. */
export function runJobId(scheduleId: ScheduleId, dueAt: number): JobId {
  const bytes = hashOf('schedule run', scheduleId, dueAt).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...groups, hex.slice(20)].join('-') as JobId;
}

/** From 0 up to 1, and the same in every process. */
export function jitterFraction(scheduleId: ScheduleId, dueAt: number): number {
  return hashOf('schedule jitter', scheduleId, dueAt).readUInt32BE(0) / 2 ** 32;
}

function hashOf(purpose: string, scheduleId: ScheduleId, dueAt: number): Buffer {
  return createHash('sha256').update(`${purpose}\n${scheduleId}\n${dueAt}`).digest();
}
