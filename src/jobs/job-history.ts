/** What has become of a job, in the order in which it happened; kept as long as the job is. */
export const HISTORY_KINDS = [
  'submitted',
  'started',
  'progress',
  'retrying',
  'completed',
  'failed',
  'cancelled',
  'cancel-requested',
  'controls-changed',
  'cleaned',
] as const;
export type JobHistoryKind = (typeof HISTORY_KINDS)[number];

export interface JobHistoryEntry {
  /** Grows within a job, from 1. */
  readonly sequence: number;
  readonly at: number;
  readonly kind: JobHistoryKind;
  readonly attempt: number;
  readonly message: string;
}

export type HistoryDraft = Omit<JobHistoryEntry, 'sequence'>;

/** Of one job; the oldest go first. */
export const MOST_HISTORY = 500;
