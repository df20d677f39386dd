/** How many jobs there are, in the documented names. */
import type { JobState } from '#jobs/job.ts';

export interface JobCounts {
  readonly total_jobs: number;
  readonly running_jobs: number;
  readonly completed_jobs: number;
  readonly failed_jobs: number;
  readonly cancelled_jobs: number;
  readonly pending_jobs: number;
}

export function countsToJson(counts: Readonly<Record<JobState, number>>): JobCounts {
  const { pending, running, completed, failed, cancelled } = counts;
  return {
    total_jobs: pending + running + completed + failed + cancelled,
    running_jobs: running,
    completed_jobs: completed,
    failed_jobs: failed,
    cancelled_jobs: cancelled,
    pending_jobs: pending,
  };
}
