/**
 * What follows from an attempt. A receiver that fails is probed at a slowing pace, whichever event
 * is at the head of its queue; an event is given up when it has waited for a day in vain. That day
 * begins when it could first have been delivered and was not: a subscription that was paused, or
 * a Drover that was down, costs no event its day.
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { HOUR_MS, SECOND_MS } from '#kernel/units.ts';
import type { SendOutcome } from './webhook-sender.ts';

export const GIVE_UP_AFTER_MS = 24 * HOUR_MS;
const FIRST_RETRY_MS = SECOND_MS;
const MOST_RETRY_MS = HOUR_MS;
const GONE = 410;

export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly error: string; readonly retryAfterMs: number | undefined }
  /** The receiver asks never to be called again. */
  | { readonly kind: 'gone'; readonly error: string };

export function judgeOutcome(outcome: SendOutcome, nowMs: number): Verdict {
  if (outcome.kind === 'failed') {
    return { kind: 'failed', error: outcome.error, retryAfterMs: undefined };
  }
  const { status, retryAfter } = outcome;
  if (status >= 200 && status <= 299) return { kind: 'delivered' };
  if (status === GONE) return { kind: 'gone', error: 'the receiver answered 410 Gone' };
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  const isRedirect = status >= 300 && status <= 399;
  const why = isRedirect ? `${status}; redirects are not followed` : String(status);
  return { kind: 'failed', error: `the receiver answered ${why}`, retryAfterMs };
}

/** Seconds or a date; as milliseconds from now, an hour at most. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text.length > 64) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * SECOND_MS : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(MOST_RETRY_MS, Math.max(0, ms));
}

export interface RetryOptions {
  /** How many attempts in a row have failed, this one included. */
  readonly failures: number;
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly chance: number;
}

/** The receiver may ask for more time than the backoff gives, never for less. */
export function retryDelayMs({ failures, retryAfterMs = 0, chance }: RetryOptions): number {
  const delay = jitterMs(backoffMs(failures - 1, FIRST_RETRY_MS, MOST_RETRY_MS), chance);
  return Math.max(delay, retryAfterMs);
}

export interface Waiting {
  readonly eventAt: number;
  readonly resumedAt: number;
  /** Undefined while the receiver answers: then nothing is given up. */
  readonly failingSince: number | undefined;
}

export function isGivenUp({ eventAt, resumedAt, failingSince }: Waiting, nowMs: number): boolean {
  if (failingSince === undefined) return false;
  return nowMs - Math.max(eventAt, resumedAt, failingSince) >= GIVE_UP_AFTER_MS;
}
