/**
 * Keeps jobs. Every change of a job, its history and its events are one transaction.
 *
 * A lease is the name of its holder and the number of the attempt: both have to fit, or nothing is
 * written. Nobody compares clocks to find out that a lease is over. Its holder renews it, which
 * changes the row, and who sees the same row for long enough by its own clock may expire it.
 */
import type { JobEvent } from '#events/event.ts';
import type { JobId } from '#kernel/ids.ts';
import type { HistoryDraft, JobHistoryEntry } from './job-history.ts';
import type { JobPage, JobQuery } from './job-list.ts';
import type { JobLogLine } from './job-log.ts';
import type { Job, JobError, JobState, JsonObject } from './job.ts';
import type { LaneLimits } from './lane-limits.ts';

export interface NewJob {
  readonly job: Job;
  /** Keyed, and of the secrets too. Undefined: nobody chose the id, so nobody can repeat it. */
  readonly contentHash: string | undefined;
  readonly event: JobEvent;
}

export interface Lease {
  readonly id: JobId;
  readonly holder: string;
  readonly attempt: number;
}

/** A lease as it was seen; it is the same as long as all of it is. */
export interface SeenLease extends Lease {
  readonly until: number;
}

export type Outcome =
  | { readonly kind: 'completed'; readonly result: string }
  | { readonly kind: 'retrying'; readonly error: JobError; readonly retryAt: number }
  | { readonly kind: 'failed'; readonly error: JobError }
  | { readonly kind: 'cancelled' }
  /** The process ends, or it has too much to do: the attempt does not count. */
  | { readonly kind: 'released' };

/** An attempt that is over. The job is as it was when the attempt began. */
export interface SettledAttempt {
  readonly job: Job;
  readonly at: number;
  readonly outcome: Outcome;
  readonly message: string;
  readonly event: JobEvent;
  readonly holdsLanes: boolean;
  /** It was to clean up: tried again, it waits like any other, though the job is cancelled. */
  readonly isCleanUp: boolean;
  /** It is to be forgotten: the job has come to its end. */
  readonly dropsCheckpoint: boolean;
}

export interface ClaimOrder {
  readonly kinds: readonly string[];
  readonly most: number;
  /** So many more that are in no lane. */
  readonly mostAhead: number;
  /** Only those that are to be cleaned up after. */
  readonly isCleanUpOnly: boolean;
  readonly lanes: LaneLimits;
  readonly leaseMs: number;
}

export interface Claim {
  readonly job: Job;
  /** Attempts that failed since it was submitted or sent back by somebody. */
  readonly failures: number;
  readonly checkpoint: unknown;
  readonly holdsLanes: boolean;
}

export interface Turn {
  readonly holder: string;
  readonly at: number;
  readonly settled: readonly SettledAttempt[];
  readonly claim: ClaimOrder | undefined;
}

export interface TurnResult {
  /** Their lease was another's by then; nothing about them was written. */
  readonly lost: readonly JobId[];
  readonly claims: readonly Claim[];
}

export interface AttemptReport {
  readonly lease: Lease;
  readonly progress: string | undefined;
  /** Written only with the progress. */
  readonly milestones: readonly { readonly entry: HistoryDraft; readonly event: JobEvent }[];
  readonly logs: readonly Omit<JobLogLine, 'sequence'>[];
}

/** What a holder has to know of what it holds. */
export interface HeldJob {
  readonly id: JobId;
  readonly attempt: number;
  readonly isCancelRequested: boolean;
  readonly controls: JsonObject;
}

/** A change of one job, decided while its row is locked. */
export interface JobChange {
  readonly job: Job;
  readonly entry: HistoryDraft;
  readonly event: JobEvent | undefined;
  /** Failures and lost leases are counted from zero again. */
  readonly isFresh: boolean;
}

export interface PageQuery {
  readonly after: number;
  readonly limit: number;
}

export interface EndedRetention {
  readonly olderThan: number;
  readonly most: number;
  readonly limit: number;
}

export interface JobStore {
  /**
   * All or none. Answers what is stored under the id where the content is the same; throws
   * `already_exists` where it is another, `resource_exhausted` where too many are pending.
   */
  submit(jobs: readonly NewJob[], mostPending: number): Promise<readonly Job[]>;
  find(id: string): Promise<Job | undefined>;
  list(query: JobQuery): Promise<JobPage>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
  history(id: JobId, page: PageQuery): Promise<readonly JobHistoryEntry[]>;
  logs(id: JobId, page: PageQuery): Promise<readonly JobLogLine[]>;
  /** In order of id. */
  listIds(
    states: readonly JobState[],
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly JobId[]>;
  /** `decide` answers undefined to leave a job as it is, and may be asked twice. */
  change(
    ids: readonly string[],
    at: number,
    decide: (job: Job) => JobChange | undefined,
  ): Promise<ReadonlyMap<string, Job>>;
  /** False unless it is there and ended; `JOB_BUSY` while somebody cleans up after it. */
  remove(id: JobId): Promise<boolean>;
  /** Removes ended jobs that are too old or too many, and says how many went. */
  prune(retention: EndedRetention): Promise<number>;

  /** Writes what is settled, then claims. */
  turn(turn: Turn): Promise<TurnResult>;
  /** A look that changes nothing: whether a claim may find something. */
  hasReady(kinds: readonly string[]): Promise<boolean>;
  /** Makes ready what was to wait until now. */
  wakeDue(at: number): Promise<void>;
  held(holder: string): Promise<readonly HeldJob[]>;
  renew(leases: readonly Lease[], until: number): Promise<void>;
  leases(limit: number): Promise<readonly SeenLease[]>;
  /** Those that are still as they were seen become pending again, or fail if it is too often. */
  expire(seen: readonly SeenLease[], at: number): Promise<readonly JobId[]>;
  /** What a former life of this holder left: see `expire`. */
  leasesOf(holderPrefix: string): Promise<readonly SeenLease[]>;
  /** Answers those whose lease was lost. */
  report(reports: readonly AttemptReport[], at: number): Promise<readonly JobId[]>;
  /** False when the lease was lost. */
  saveCheckpoint(lease: Lease, checkpoint: string, at: number): Promise<boolean>;
  /** False while it is full. */
  enterLane(lease: Lease, lane: string, limit: number): Promise<boolean>;
  /**
   * Takes an ended job for cleaning up after it, so that nobody does so twice at a time or tries
   * it again meanwhile. Undefined when it is not there; throws when it is taken.
   */
  beginCleaning(id: JobId, lease: CleaningLease): Promise<Claim | undefined>;
  endCleaning(id: JobId, holder: string, cleaned: HistoryDraft | undefined): Promise<void>;

  /** Calls after each submit, cancel or change of controls that went through this object. */
  onChange(call: () => void): Disposable;
}

export interface CleaningLease {
  readonly holder: string;
  readonly nowMs: number;
  readonly forMs: number;
}
