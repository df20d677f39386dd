/**
 * Follows a stream for as long as it is wanted: begun anew after a wait that doubles, each time it
 * ends. What was refused stays refused, and is not asked again.
 *
 *   following ── it ends, or breaks ──▶ waiting ── the wait is over ──▶ following
 *       └─────── it is refused ──▶ refused
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { toApiError, type ApiError } from './api-error.ts';

const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 30_000;

export type StreamState =
  | { readonly kind: 'following' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'refused'; readonly error: ApiError };

export interface FollowOptions<T> {
  /** From where the last message left off: whoever opens it keeps that. */
  readonly open: (signal: AbortSignal) => AsyncIterable<T>;
  readonly onMessage: (message: T) => void;
  readonly onState: (state: StreamState) => void;
  /** Replaced in tests. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Returns when the signal aborts or the stream was refused; never throws. */
export async function followStream<T>(
  { open, onMessage, onState, wait = waitFor }: FollowOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  let tries = 0;
  while (!signal.aborted) {
    onState({ kind: 'following' });
    try {
      for await (const message of open(signal)) {
        if (isOver(signal)) return;
        tries = 0;
        onMessage(message);
      }
    } catch (thrown) {
      if (isOver(signal)) return;
      const error = toApiError(thrown);
      if (isRefusal(error)) {
        onState({ kind: 'refused', error });
        return;
      }
    }
    if (isOver(signal)) return;
    onState({ kind: 'waiting' });
    await wait(jitterMs(backoffMs(tries, FIRST_WAIT_MS, MOST_WAIT_MS), Math.random()), signal);
    tries += 1;
  }
}

/** A call, since it changes while one waits. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

const REFUSALS: ReadonlySet<string> = new Set([
  ...['invalid_argument', 'unauthenticated', 'permission_denied'],
  ...['not_found', 'failed_precondition', 'unimplemented'],
]);

function isRefusal({ facts: { kind } }: ApiError): boolean {
  return REFUSALS.has(kind);
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
