import type { Job, JobState } from './job.ts';

export const JOB_SORTS = ['createdAt', 'updatedAt', 'priority'] as const;
export type JobSort = (typeof JOB_SORTS)[number];

export interface JobQuery {
  readonly ids?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly batchId?: string | undefined;
  readonly scheduleId?: string | undefined;
  /** Part of the subject, in whatever case. */
  readonly subject?: string | undefined;
  readonly sort: JobSort;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly offset?: number | undefined;
  /** `next` of the page before, with all else the same; then there is no offset. */
  readonly cursor?: string | undefined;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** How many match, on all pages; by more than states at most 10,000 are counted. */
  readonly total: number;
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

export const MOST_LISTED = 1000;
export const MOST_IDS = 1000;
/** Further into a list goes a cursor alone. */
export const MOST_OFFSET = 1_000_000;
