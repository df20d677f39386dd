/** What becomes of a job whose attempt failed. */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { DroverError, toDroverError, type ErrorKind } from '#kernel/errors.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { toPlainText } from './plain-json.ts';
import type { Job, JobError } from './job.ts';
import type { Outcome } from './job-store.ts';

export const DEFAULT_ATTEMPTS = 5;

const FIRST_WAIT_MS = 2 * SECOND_MS;
const MOST_WAIT_MS = 5 * MINUTE_MS;
const MOST_MESSAGE = 4096;

const WORTH_RETRYING = {
  unavailable: true,
  aborted: true,
  deadline_exceeded: true,
  resource_exhausted: true,
  invalid_argument: false,
  unauthenticated: false,
  permission_denied: false,
  not_found: false,
  already_exists: false,
  failed_precondition: false,
  unimplemented: false,
  cancelled: false,
  data_loss: false,
  internal: false,
} satisfies Record<ErrorKind, boolean>;

/** True for what can pass by itself, such as a connection that broke; not for a bad password. */
export function isWorthRetrying({ kind }: { readonly kind: ErrorKind }): boolean {
  return WORTH_RETRYING[kind];
}

export function toJobError(thrown: unknown): JobError {
  const { kind, reason, message } = toDroverError(thrown);
  return { kind, reason: toPlainText(reason, 100), message: toPlainText(message, MOST_MESSAGE) };
}

export interface FailureCircumstances {
  readonly nowMs: number;
  /** From 0 to 1. */
  readonly chance: number;
  /** Those before this one. */
  readonly failures: number;
}

export function outcomeOfFailure(
  { maxAttempts }: Pick<Job, 'maxAttempts'>,
  error: JobError,
  { nowMs, chance, failures }: FailureCircumstances,
): Outcome {
  if (!isWorthRetrying(error) || failures + 1 >= maxAttempts) return { kind: 'failed', error };
  const waitMs = jitterMs(backoffMs(failures, FIRST_WAIT_MS, MOST_WAIT_MS), chance);
  return { kind: 'retrying', error, retryAt: nowMs + waitMs };
}

export function leaseLostError(): DroverError {
  return new DroverError('aborted', 'the lease of the job is lost: another process may run it', {
    reason: 'LEASE_LOST',
  });
}
