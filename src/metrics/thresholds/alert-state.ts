/**
 * The states of one series under one rule.
 *
 *   inactive ──crosses──▶ pending ──crossed for `for`──▶ firing ──back, or gone──▶ resolved
 *      ▲                     │                                                        │
 *      ├──back, or gone──────┘            pending ◀──crosses──────────────────────────┤
 *      └──────────────────────────── once the cooldown is over ───────────────────────┘
 *
 * What always holds:
 * - `for` is the sum of the steps that ended in a sample that crossed, measured by the monotonic
 *   clock. So a wall clock that is set changes nothing, and a step that is far too long (the host
 *   slept, the process was stopped) counts as a short one: nobody looked in between.
 * - A series that crosses again within its cooldown stays pending until the cooldown is over. So
 *   each notice that it crossed is followed by exactly one that it resolved.
 * - Only what was seen to be good resolves an alert, or what is gone for a while although it is
 *   looked for. While the looking itself fails, the state stays as it is.
 * - No rule, no series and no state at all is `inactive`: undefined here.
 */
import { isCrossed, isRecovered, type RuleDefinition } from './rule.ts';

export type Observation =
  | { readonly kind: 'value'; readonly value: number }
  /** It was looked for and was not there. */
  | { readonly kind: 'absent' }
  /** Whoever looks for it failed. */
  | { readonly kind: 'unknown' };

/** When something was seen: to be shown, and to be measured with. */
export interface Instant {
  readonly atMs: number;
  readonly monotonicMs: number;
  /** What a step counts for at most. */
  readonly longestStepMs: number;
}

interface StateFields {
  /** Monotonic, of the last look, whatever came of it. */
  readonly lookedAtMs: number;
  /** Looks since it was seen last, and the time they took. */
  readonly missedTicks: number;
  readonly missedMs: number;
  /** Gone for this long is gone for good; longer after a restart, which takes its time. */
  readonly patienceMs: number;
  /** Monotonic, of the last notice that it crossed; undefined when there was none lately. */
  readonly noticedAtMs: number | undefined;
}

export interface PendingState extends StateFields {
  readonly kind: 'pending';
  /** Wall time of the first sample that crossed. */
  readonly sinceMs: number;
  /** How much of `for` is behind it. */
  readonly heldMs: number;
  /** Undefined after a restart, until it is seen again. */
  readonly value: number | undefined;
}

export interface FiringState extends StateFields {
  readonly kind: 'firing';
  readonly sinceMs: number;
  readonly value: number | undefined;
}

/** Over, but remembered until its cooldown is. */
export interface ResolvedState extends StateFields {
  readonly kind: 'resolved';
}

export type AlertState = PendingState | FiringState | ResolvedState;

export type Notice = 'violated' | 'repeated' | 'resolved';

export interface Step {
  readonly state: AlertState | undefined;
  readonly notice: Notice | undefined;
}

const PATIENCE_MS = 10_000;
export const PATIENCE_AFTER_RESTART_MS = 60_000;
const MISSED_TICKS = 3;

export type AlertTerms = Pick<
  RuleDefinition,
  'comparison' | 'value' | 'hysteresis' | 'forMs' | 'cooldownMs' | 'repeatMs'
>;

/** One look at one series. */
export function nextState(
  terms: AlertTerms,
  state: AlertState | undefined,
  seen: Observation,
  now: Instant,
): Step {
  if (seen.kind !== 'value') return miss(terms, state, seen.kind, now);
  const { value } = seen;
  if (state?.kind === 'firing') return stepFiring(terms, state, value, now);
  if (!isCrossed(terms, value)) return calm(terms, state, now);
  const before = state?.kind === 'pending' ? state : undefined;
  const pending: PendingState = {
    kind: 'pending',
    sinceMs: before?.sinceMs ?? now.atMs,
    heldMs: before === undefined ? 0 : before.heldMs + stepMs(before, now),
    value,
    ...seenNow(now, state?.noticedAtMs),
  };
  if (pending.heldMs < terms.forMs || isCooling(terms, pending, now)) return quiet(pending);
  const firing: FiringState = {
    kind: 'firing',
    sinceMs: pending.sinceMs,
    value,
    ...seenNow(now, now.monotonicMs),
  };
  return { state: firing, notice: 'violated' };
}

/**
 * What is seen here, together with what another process told of it: that counts where they differ,
 * for it is what everybody heard.
 */
export function followOn(terms: AlertTerms, seen: AlertState, told: AlertState): AlertState {
  const { noticedAtMs } = told;
  if (seen.kind === 'resolved') return told;
  const { sinceMs, value } = told.kind === 'resolved' ? seen : told;
  const fields = { ...seen, sinceMs, value: seen.value ?? value, noticedAtMs };
  if (told.kind === 'firing') return { ...fields, kind: 'firing' };
  const heldMs = seen.kind === 'firing' ? terms.forMs : seen.heldMs;
  const most = told.kind === 'pending' ? Math.max(heldMs, told.heldMs) : heldMs;
  return { ...fields, kind: 'pending', heldMs: most };
}

function stepFiring(terms: AlertTerms, state: FiringState, value: number, now: Instant): Step {
  if (isRecovered(terms, value)) return resolve(state, now);
  const isDue =
    terms.repeatMs !== undefined &&
    now.monotonicMs - (state.noticedAtMs ?? -Infinity) >= terms.repeatMs;
  const noticedAtMs = isDue ? now.monotonicMs : state.noticedAtMs;
  const firing: FiringState = { ...state, value, ...seenNow(now, noticedAtMs) };
  return { state: firing, notice: isDue ? 'repeated' : undefined };
}

function resolve(state: FiringState, now: Instant): Step {
  const resolved: ResolvedState = { kind: 'resolved', ...seenNow(now, state.noticedAtMs) };
  return { state: resolved, notice: 'resolved' };
}

function calm(terms: AlertTerms, state: AlertState | undefined, now: Instant): Step {
  if (state === undefined || !isCooling(terms, state, now)) return quiet(undefined);
  return quiet({ kind: 'resolved', ...seenNow(now, state.noticedAtMs) });
}

function miss(
  terms: AlertTerms,
  state: AlertState | undefined,
  why: 'absent' | 'unknown',
  now: Instant,
): Step {
  if (state === undefined) return quiet(undefined);
  if (state.kind === 'resolved') return quiet(isCooling(terms, state, now) ? state : undefined);
  const looked = { ...state, lookedAtMs: now.monotonicMs };
  if (why === 'unknown') return quiet(looked);
  const missedTicks = state.missedTicks + 1;
  const missedMs = state.missedMs + stepMs(state, now);
  if (missedTicks < MISSED_TICKS || missedMs < state.patienceMs) {
    return quiet({ ...looked, missedTicks, missedMs });
  }
  return state.kind === 'firing' ? resolve(state, now) : calm(terms, state, now);
}

function quiet(state: AlertState | undefined): Step {
  return { state, notice: undefined };
}

function seenNow(now: Instant, noticedAtMs: number | undefined): StateFields {
  const lookedAtMs = now.monotonicMs;
  return { lookedAtMs, missedTicks: 0, missedMs: 0, patienceMs: PATIENCE_MS, noticedAtMs };
}

function stepMs({ lookedAtMs }: StateFields, { monotonicMs, longestStepMs }: Instant): number {
  return Math.min(Math.max(0, monotonicMs - lookedAtMs), longestStepMs);
}

function isCooling(terms: AlertTerms, { noticedAtMs }: StateFields, now: Instant): boolean {
  return noticedAtMs !== undefined && now.monotonicMs - noticedAtMs < terms.cooldownMs;
}
