/** Keeps the runs of schedules: who claims a due time, and what became of it. */
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type { DuePlan } from './schedule-plan.ts';
import type { Schedule, ScheduleNext, ScheduleRun } from './schedule.ts';

export interface DueClaim {
  /** As it was when it was planned. One that has changed since is not claimed. */
  readonly schedule: Schedule;
  readonly plan: DuePlan;
}

/** A run that is claimed, and whose job is to be submitted. */
export interface ClaimedRun {
  readonly schedule: Schedule;
  readonly jobId: JobId;
  readonly dueAt: number;
}

export interface RunQuery {
  readonly scheduleId: ScheduleId;
  /** Only runs before this sequence number. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface ReclaimRequest {
  readonly nowMs: number;
  /** Claimed longer ago than this. */
  readonly staleMs: number;
  readonly limit: number;
}

export interface ScheduleRunStore {
  /** The newest first. */
  list(query: RunQuery): Promise<readonly ScheduleRun[]>;
  find(jobId: JobId): Promise<ScheduleRun | undefined>;

  /** Whose next run has come, the longest overdue first. */
  listDue(nowMs: number, limit: number): Promise<readonly Schedule[]>;
  /** Of all schedules. */
  nextRunAt(): Promise<number | undefined>;
  /**
   * Moves schedules on and writes their runs and the events of those that begin, in one
   * transaction. Answers what is to be submitted now. A due time that has a run has no other.
   */
  claim(claims: readonly DueClaim[], atMs: number): Promise<readonly ClaimedRun[]>;
  /** A run out of turn. Undefined when the schedule is gone. */
  claimManual(id: ScheduleId, jobId: JobId, atMs: number): Promise<ClaimedRun | undefined>;
  /** Begins the runs that waited for another one that has ended. */
  claimWaiting(atMs: number, limit: number): Promise<readonly ClaimedRun[]>;
  hasWaiting(): Promise<boolean>;
  /** Those whose process died before it had submitted them. */
  reclaim(request: ReclaimRequest): Promise<readonly ClaimedRun[]>;

  /** The jobs are stored. */
  markSubmitted(jobIds: readonly JobId[], atMs: number): Promise<void>;
  /** There is no job, and there will be none: the run has failed. */
  refuse(jobId: JobId, message: string, atMs: number): Promise<void>;

  /** Enabled ones that were run or changed later than this: the clock was set back since. */
  listAheadOf(ms: number): Promise<readonly Schedule[]>;
  /** Does nothing when it has changed since. */
  moveTo(schedule: Schedule, next: ScheduleNext): Promise<void>;
}
