/** What a receiver's answer means for the samples that were sent. */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { randomFraction } from '#kernel/random.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

export interface ReceiverAnswer {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
  /** The beginning of the body: receivers say there what they do not like. */
  readonly text: string;
}

/**
 * - `accepted`: they are there.
 * - `refused`: sending the same again would be refused again; the samples are given up.
 * - `retry`: not now. The same request is sent until it is answered otherwise.
 */
export type Verdict = 'accepted' | 'refused' | 'retry';

const FIRST_WAIT_MS = SECOND_MS / 2;
const MOST_WAIT_MS = 30 * SECOND_MS;
const MOST_ASKED_WAIT_MS = 5 * MINUTE_MS;

/** A redirect is not followed: credentials belong to the receiver that was configured. */
export function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return 'accepted';
  return status >= 400 && status < 500 && status !== 429 ? 'refused' : 'retry';
}

/** Whether a part of the request may be welcome though the whole was not. */
export function isDivisible(status: number): boolean {
  return status === 400 || status === 413 || status === 422;
}

export function waitBeforeRetry(attempt: number): number {
  return jitterMs(backoffMs(attempt, FIRST_WAIT_MS, MOST_WAIT_MS), randomFraction());
}

/** `Retry-After` in seconds or as a date; undefined when it is neither, or over. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const isSeconds = /^\s*\d{1,9}\s*$/.test(header);
  const waitMs = isSeconds ? Number(header) * SECOND_MS : Date.parse(header) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, MOST_ASKED_WAIT_MS) : undefined;
}
