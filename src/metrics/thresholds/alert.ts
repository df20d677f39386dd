/** One series under one rule, for as long as it is not inactive. */
import type { ThresholdEvent } from '#events/event.ts';
import { createLabels, labelsToText, type Labels } from '#metrics/labels.ts';
import { PATIENCE_AFTER_RESTART_MS, type AlertState } from './alert-state.ts';
import type { FailingCollectors } from './failing-collectors.ts';
import type { RuleId } from './rule.ts';
import type { StateKey, StoredState } from './rule-store.ts';

export interface SeenSeries {
  /** `a="1",b="2"` */
  readonly key: string;
  readonly labels: Labels;
}

export interface Alert extends SeenSeries {
  readonly ruleId: RuleId;
  /** What the rule asked about when it began. */
  readonly subject: string;
  state: AlertState;
  /** What was told when it began to fire. */
  violated: ThresholdEvent | undefined;
  /** Those that failed when the series was seen last. */
  failing: FailingCollectors;
  /** The look that saw it last, or noticed that it was missing. */
  lookNumber: number;
  /** A transition is on its way to the store; nothing more is decided until it is there. */
  isCommitting: boolean;
  transitionId: string;
  /** How much of `for` is in the store; undefined when it knows nothing of this alert. */
  savedHeldMs: number | undefined;
}

/** The two clocks at one instant, to translate between what is measured and what is stored. */
export interface ClockReading {
  readonly atMs: number;
  readonly monotonicMs: number;
}

/** What was pending longer ago than this is not pending now, whatever is there. */
const STALE_MS = 600_000;

/** Where states are kept, and how long this process may write there. */
export type Home = Pick<StateKey, 'instanceId' | 'tenure'>;

export function alertToKey({ ruleId, labels }: Alert, home: Home): StateKey {
  return { ...home, ruleId, labels };
}

export function alertToStored(alert: Alert, home: Home, now: ClockReading): StoredState {
  const { state } = alert;
  const { noticedAtMs } = state;
  return {
    ...alertToKey(alert, home),
    kind: state.kind,
    subject: alert.subject,
    sinceMs: state.kind === 'resolved' ? now.atMs : state.sinceMs,
    heldMs: state.kind === 'pending' ? state.heldMs : 0,
    noticedAt: noticedAtMs === undefined ? undefined : now.atMs - (now.monotonicMs - noticedAtMs),
    savedAt: now.atMs,
    transitionId: alert.transitionId,
    violated: alert.violated,
    failingCollectors: [...alert.failing],
  };
}

/** As it was before the restart; undefined when it says nothing any more. */
export function storedToAlert(stored: StoredState, now: ClockReading): Alert | undefined {
  const { kind, ruleId, sinceMs, heldMs, noticedAt } = stored;
  const fields = {
    lookedAtMs: now.monotonicMs,
    missedTicks: 0,
    missedMs: 0,
    patienceMs: PATIENCE_AFTER_RESTART_MS,
    noticedAtMs:
      // A clock that was set back meanwhile must not make a cooldown longer than it is.
      noticedAt === undefined ? undefined : now.monotonicMs - Math.max(0, now.atMs - noticedAt),
  };
  if (kind === 'pending' && Math.abs(now.atMs - stored.savedAt) > STALE_MS) return undefined;
  const labels = createLabels(Object.entries(stored.labels));
  const state: AlertState =
    kind === 'resolved'
      ? { kind, ...fields }
      : kind === 'firing'
        ? { kind, sinceMs, value: undefined, ...fields }
        : { kind, sinceMs, heldMs, value: undefined, ...fields };
  return {
    ruleId,
    labels,
    key: labelsToText(labels),
    subject: stored.subject,
    state,
    violated: stored.violated,
    failing: new Set(stored.failingCollectors),
    lookNumber: -1,
    isCommitting: false,
    transitionId: stored.transitionId,
    savedHeldMs: heldMs,
  };
}
