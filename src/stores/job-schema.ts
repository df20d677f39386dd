/** The tables of jobs. */
import type { Generated } from 'kysely';

export interface JobTable {
  /** Grows in the order in which jobs are submitted. */
  sequence: Generated<number>;
  id: string;
  kind: string;
  name: string | null;
  subject: string;
  spec: string;
  content_hash: string | null;
  sealed_secrets: string | null;
  priority: number;
  lanes: string;
  /** The lanes as one text: whether one that is in them may run is the same for all of them. */
  lane_set: string;
  batch_id: string | null;
  schedule_id: string | null;
  state: string;
  is_cancel_requested: number;
  /** The least goes first: by priority, and before all else what is to be cleaned up after. */
  rank: number;
  /** 0 while it is pending and `run_after` has not come. */
  is_due: number;
  run_after: number;
  attempt: number;
  max_attempts: number;
  failures: number;
  losses: number;
  /** How far it was at the last of them. */
  lost_percent: Generated<number>;
  progress: string | null;
  error: string | null;
  result: string | null;
  controls: string;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  updated_at: number;
  leased_by: string | null;
  leased_until: number;
  /** The sequence of its newest history entry. */
  history_count: number;
  /** That of its first start, which follows from this row and is not stored. */
  started_sequence: number | null;
}

/** How many jobs are in each state. */
export interface JobCountTable {
  state: string;
  jobs: number;
}

export interface JobCheckpointTable {
  job_id: string;
  checkpoint: string;
  saved_at: number;
}

/** Which running jobs are in which lanes; only of lanes that are limited. */
export interface JobLaneTable {
  lane: string;
  job_id: string;
}

export interface JobHistoryTable {
  job_id: string;
  sequence: number;
  at: number;
  kind: string;
  attempt: number;
  message: string;
}

export interface JobLogTable {
  job_id: string;
  sequence: number;
  at: number;
  level: string;
  text: string;
  /** What the job has logged up to and with this line, so that the oldest can be found. */
  end_bytes: number;
}
