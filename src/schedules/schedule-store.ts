/** Keeps schedules. Several processes may share it; see the run store for who runs them. */
import type { ScheduleId } from '#kernel/ids.ts';
import type { Schedule } from './schedule.ts';

export const SCHEDULE_SORTS = ['id', 'name', 'createdAt', 'nextRunAt', 'lastRunAt'] as const;
export type ScheduleSort = (typeof SCHEDULE_SORTS)[number];

export interface ScheduleQuery {
  readonly sort: ScheduleSort;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly offset: number;
  /** Absent: whether enabled or not. */
  readonly enabled?: boolean | undefined;
}

export interface SchedulePage {
  readonly schedules: readonly Schedule[];
  /** How many the query fits, on all pages. */
  readonly total: number;
}

export interface ScheduleStats {
  readonly total: number;
  readonly enabled: number;
  readonly disabled: number;
  /** Of the schedules that are there. */
  readonly totalRuns: number;
  readonly successfulRuns: number;
  readonly failedRuns: number;
  readonly nextRunAt: number | undefined;
}

export interface ScheduleStore {
  /** `already_exists` when the id is taken, `resource_exhausted` when there are `most`. */
  insert(schedule: Schedule, most: number): Promise<void>;
  find(id: ScheduleId): Promise<Schedule | undefined>;
  /** Those without a value for the sort come last, whatever the order. */
  list(query: ScheduleQuery): Promise<SchedulePage>;
  /**
   * Nobody else changes or claims it meanwhile. Counters stay as they are, whatever `change` says
   * of them; it may be called again. Undefined when the schedule is gone.
   */
  update(id: ScheduleId, change: (now: Schedule) => Schedule): Promise<Schedule | undefined>;
  /** With its history. Whether it was there. */
  remove(id: ScheduleId): Promise<boolean>;
  stats(): Promise<ScheduleStats>;
}
