/**
 * All alerts of this process. The table takes what is seen, asks alert-state.ts what that means,
 * and hands on what others must be told.
 *
 * What always holds:
 * - While a transition is on its way to the store, no further one of that alert is decided.
 * - There are at most `mostAlerts`; what would be one more is counted and not begun.
 * - What is pending is saved now and then, so that a restart costs it little of its `for`.
 * - What begins to fire in a silence fires untold: it has no event until the silence is over, and
 *   ends untold if it ends before that. So does what another process tells of (tellers.ts).
 */
import type { ThresholdEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { randomHex } from '#kernel/random.ts';
import {
  alertToKey,
  alertToStored,
  storedToAlert,
  type Alert,
  type Home,
  type SeenSeries,
} from './alert.ts';
import { followOn, nextState, type Instant, type Observation, type Step } from './alert-state.ts';
import type { Labels } from '#metrics/labels.ts';
import type { Silence } from './silence.ts';
import { hasNewFailure, type FailingCollectors } from './failing-collectors.ts';
import { isCrossed, subjectToText, type Rule, type RuleId } from './rule.ts';
import type { StoredState } from './rule-store.ts';
import type { StateWriter } from './state-writer.ts';
import { isTenure, serverOf, SHARED_INSTANCE, type Standing } from './tellers.ts';
import {
  crossingToEvent,
  endingToEvent,
  type Ending,
  type MeasuredIdentity,
} from './threshold-event.ts';

export interface AlertTableParts {
  readonly clock: Clock;
  readonly writer: StateWriter;
  readonly identity: MeasuredIdentity;
  readonly mostAlerts: number;
  /** Told of each alert for which there is no room. */
  readonly onRefused: (rule: Rule) => void;
  /** Why an alert is told to nobody now; undefined: it may be told. */
  readonly silenceOf: (rule: Rule, labels: Labels) => Silence | undefined;
  /** Whether this process is the one that tells of such series. */
  readonly standingOf: (labels: Labels) => Standing;
}

/** One pass over what a rule asks about. */
export interface Look extends Instant {
  /** Different for every look. */
  readonly number: number;
  readonly failing: FailingCollectors;
}

export interface AlertView {
  readonly rule: Rule;
  readonly series: SeenSeries;
  readonly kind: 'pending' | 'firing';
  readonly silence: Silence | undefined;
  readonly sinceMs: number;
  readonly value: number | undefined;
}

interface RuleAlerts {
  rule: Rule;
  readonly subject: string;
  readonly alerts: Map<string, Alert>;
}

/** A pending alert is worth a write once so much of its `for` is not saved. */
const LEAST_UNSAVED_MS = 5000;
const UNSAVED_SHARE = 1 / 20;

export class AlertTable {
  readonly #parts: AlertTableParts;
  readonly #byRule = new Map<RuleId, RuleAlerts>();
  /** Of rules that are gone or ask about something else; kept until that is stored. */
  readonly #ending = new Set<Alert>();
  #count = 0;

  constructor(parts: AlertTableParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  /** These rules hold from now on. */
  use(rules: readonly Rule[]): void {
    const wanted = new Map(rules.map((rule) => [rule.id, rule]));
    for (const [id, held] of this.#byRule) {
      const rule = wanted.get(id);
      if (rule !== undefined && subjectToText(rule.subject) === held.subject) {
        held.rule = rule;
        continue;
      }
      this.#byRule.delete(id);
      for (const alert of held.alerts.values()) this.#ending.add(alert);
    }
    for (const rule of rules) {
      if (this.#byRule.has(rule.id)) continue;
      const subject = subjectToText(rule.subject);
      this.#byRule.set(rule.id, { rule, subject, alerts: new Map() });
    }
  }

  /** What was told before a restart, or by the process that told of it until now. */
  restore(states: readonly StoredState[]): void {
    const now = this.#now();
    for (const stored of states) {
      const alert = storedToAlert(stored, now);
      if (alert === undefined) {
        const home = this.#homeOf(stored.labels);
        if (home !== undefined) this.#parts.writer.forget({ ...stored, ...home });
        continue;
      }
      const found = this.#byRule.get(stored.ruleId);
      const held = found?.subject === stored.subject ? found : undefined;
      const here = held?.alerts.get(alert.key);
      if (held !== undefined && here !== undefined) {
        const { violated, transitionId, savedHeldMs } = alert;
        const state = followOn(held.rule, here.state, alert.state);
        Object.assign(here, { state, violated, transitionId, savedHeldMs });
        continue;
      }
      this.#count += 1;
      if (held === undefined) this.#ending.add(alert);
      else held.alerts.set(alert.key, alert);
    }
  }

  /** Others told of these, or will: what was told is what is stored, and not what is known here. */
  renounce(isMeant: (labels: Labels) => boolean): void {
    for (const alert of this.#all()) {
      if (!isMeant(alert.labels)) continue;
      alert.violated = undefined;
      alert.transitionId = '';
      alert.savedHeldMs = undefined;
    }
  }

  /** Watched servers that there are alerts about. */
  servers(): ReadonlySet<string> {
    const servers = new Set<string>();
    for (const { labels } of this.#all()) {
      const server = serverOf(labels);
      if (server !== undefined) servers.add(server);
    }
    return servers;
  }

  /** A series of the rule has this value. */
  look(rule: Rule, series: SeenSeries, value: number, look: Look): void {
    const held = this.#byRule.get(rule.id);
    if (held === undefined) return;
    const alert = held.alerts.get(series.key);
    if (alert === undefined) {
      if (isCrossed(rule, value)) this.#begin(held, series, value, look);
      return;
    }
    alert.lookNumber = look.number;
    alert.failing = look.failing;
    this.#step(held, alert, { kind: 'value', value }, look);
  }

  /** Whether a series that is all right needs to be looked at: one that has an alert. */
  hasAlerts(rule: Rule): boolean {
    return (this.#byRule.get(rule.id)?.alerts.size ?? 0) > 0;
  }

  /** Everything the rule asks about has been looked at; what has not is not there. */
  endLook(rule: Rule, look: Look): void {
    const held = this.#byRule.get(rule.id);
    if (held === undefined || held.alerts.size === 0) return;
    for (const alert of held.alerts.values()) {
      if (alert.lookNumber === look.number) continue;
      const kind = hasNewFailure(look.failing, alert.failing) ? 'unknown' : 'absent';
      this.#step(held, alert, { kind }, look);
    }
  }

  /** Ends what belongs to no rule any more, and saves how far the pending ones are. */
  tidy(): void {
    for (const alert of this.#ending) this.#end(alert);
    for (const { rule, alerts } of this.#byRule.values()) {
      for (const alert of alerts.values()) this.#save(rule, alert);
    }
    this.#parts.writer.flush();
  }

  *views(): Generator<AlertView> {
    for (const { rule, alerts } of this.#byRule.values()) {
      for (const { state, key, labels } of alerts.values()) {
        if (state.kind === 'resolved') continue;
        const { kind, sinceMs, value } = state;
        const silence = this.#parts.silenceOf(rule, labels);
        yield { rule, series: { key, labels }, kind, silence, sinceMs, value };
      }
    }
  }

  #begin(held: RuleAlerts, series: SeenSeries, value: number, look: Look): void {
    const { rule, subject, alerts } = held;
    const { mostAlerts, onRefused } = this.#parts;
    if (this.#count >= mostAlerts) {
      onRefused(rule);
      return;
    }
    // Both would be kept in one place of the store.
    if (this.#isEnding(rule.id)) return;
    const step = nextState(rule, undefined, { kind: 'value', value }, look);
    if (step.state === undefined) return;
    const alert: Alert = {
      ...{ ruleId: rule.id, key: series.key, labels: series.labels, subject },
      state: step.state,
      violated: undefined,
      failing: look.failing,
      lookNumber: look.number,
      isCommitting: false,
      transitionId: '',
      savedHeldMs: undefined,
    };
    alerts.set(alert.key, alert);
    this.#count += 1;
    this.#tell(rule, alert, step, { kind: 'value', value, atMs: look.atMs });
  }

  #step(held: RuleAlerts, alert: Alert, seen: Observation, look: Look): void {
    if (alert.isCommitting) {
      // What is shown stays fresh; what it means waits.
      const { state } = alert;
      if (seen.kind === 'value' && state.kind !== 'resolved') {
        alert.state = { ...state, value: seen.value, lookedAtMs: look.monotonicMs };
      }
      return;
    }
    const step = nextState(held.rule, alert.state, seen, look);
    if (step.state === undefined) {
      held.alerts.delete(alert.key);
      this.#drop(alert);
      return;
    }
    alert.state = step.state;
    this.#tell(held.rule, alert, step, { ...seen, atMs: look.atMs });
  }

  #tell(
    rule: Rule,
    alert: Alert,
    { notice }: Step,
    seen: Observation & { readonly atMs: number },
  ): void {
    const { state } = alert;
    if (notice === undefined) {
      if (state.kind === 'firing' && alert.violated === undefined) this.#announce(rule, alert);
      return;
    }
    if (notice === 'resolved') {
      if (seen.kind === 'value') this.#resolve(alert, seen.value, 'recovered', seen.atMs);
      else this.#resolve(alert, undefined, 'gone', seen.atMs);
      return;
    }
    this.#announce(rule, alert);
  }

  #announce(rule: Rule, alert: Alert): void {
    const { state, labels } = alert;
    if (state.kind !== 'firing' || state.value === undefined) return;
    const home = this.#homeOf(labels);
    if (home === undefined) return;
    if (this.#parts.silenceOf(rule, labels) !== undefined) {
      if (alert.violated === undefined && alert.savedHeldMs !== 0) this.#note(alert);
      return;
    }
    const crossing = { labels, value: state.value, sinceMs: state.sinceMs };
    alert.violated = crossingToEvent(rule, crossing, this.#parts.identity);
    this.#commit(alert, alert.violated, home);
  }

  /** Keeps how it is, and tells nobody. */
  #note(alert: Alert, heldMs = 0): void {
    const home = this.#homeOf(alert.labels);
    if (home === undefined) return;
    alert.savedHeldMs = heldMs;
    this.#parts.writer.save(alertToStored(alert, home, this.#now()));
  }

  #resolve(alert: Alert, value: number | undefined, ending: Ending, atMs: number): void {
    const { violated } = alert;
    alert.violated = undefined;
    const home = this.#homeOf(alert.labels);
    if (violated === undefined || home === undefined) {
      this.#note(alert);
      return;
    }
    this.#commit(alert, endingToEvent(violated, { value, ending, atMs }), home);
  }

  #commit(alert: Alert, event: ThresholdEvent, home: Home): void {
    alert.isCommitting = true;
    alert.transitionId = randomHex(8);
    alert.savedHeldMs = 0;
    const state = alertToStored(alert, home, this.#now());
    this.#parts.writer.commit({ state, event }, () => {
      alert.isCommitting = false;
    });
  }

  #end(alert: Alert): void {
    if (alert.isCommitting) return;
    const { state } = alert;
    if (state.kind !== 'firing') {
      this.#ending.delete(alert);
      this.#drop(alert);
      return;
    }
    const now = this.#now();
    const { lookedAtMs, missedTicks, missedMs, patienceMs, noticedAtMs } = state;
    const looked = { lookedAtMs, missedTicks, missedMs, patienceMs, noticedAtMs };
    alert.state = { kind: 'resolved', ...looked };
    this.#resolve(alert, undefined, 'rule-changed', now.atMs);
  }

  #isEnding(id: RuleId): boolean {
    for (const { ruleId } of this.#ending) if (ruleId === id) return true;
    return false;
  }

  #drop(alert: Alert): void {
    this.#count -= 1;
    const home = this.#homeOf(alert.labels);
    if (alert.savedHeldMs === undefined || home === undefined) return;
    this.#parts.writer.forget(alertToKey(alert, home));
  }

  #save(rule: Rule, alert: Alert): void {
    const { state, savedHeldMs = 0 } = alert;
    if (state.kind !== 'pending' || alert.isCommitting) return;
    const leastMs = Math.max(LEAST_UNSAVED_MS, rule.forMs * UNSAVED_SHARE);
    if (state.heldMs - savedHeldMs < leastMs) return;
    this.#note(alert, state.heldMs);
  }

  /** Undefined: another process tells of it, and keeps how it is. */
  #homeOf(labels: Labels): Home | undefined {
    const standing = this.#parts.standingOf(labels);
    if (standing === 'waiting') return undefined;
    if (isTenure(standing)) return { instanceId: SHARED_INSTANCE, tenure: standing };
    return { instanceId: this.#parts.identity.instanceId };
  }

  *#all(): Generator<Alert> {
    for (const { alerts } of this.#byRule.values()) yield* alerts.values();
    yield* this.#ending;
  }

  #now() {
    const { clock } = this.#parts;
    return { atMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }
}
