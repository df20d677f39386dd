/**
 * All alerts of this process. The table takes what is seen, asks alert-state.ts what that means,
 * and hands on what others must be told.
 *
 * What always holds:
 * - While a transition is on its way to the store, no further one of that alert is decided.
 * - There are at most `mostAlerts`; what would be one more is counted and not begun.
 * - What is pending is saved now and then, so that a restart costs it little of its `for`.
 * - What begins to fire in a silence fires untold: it has no event until the silence is over, and
 *   ends untold if it ends before that.
 */
import type { Clock } from '#kernel/clock.ts';
import { randomHex } from '#kernel/random.ts';
import {
  alertIdOf,
  alertToKey,
  alertToStored,
  storedToAlert,
  type Alert,
  type SeenSeries,
} from './alert.ts';
import { nextState, type Instant, type Observation, type Step } from './alert-state.ts';
import type { Labels } from '#metrics/labels.ts';
import type { Silence } from './silence.ts';
import { hasNewFailure, type FailingCollectors } from './failing-collectors.ts';
import { isCrossed, subjectToText, type Rule, type RuleId } from './rule.ts';
import type { StoredState } from './rule-store.ts';
import type { StateWriter } from './state-writer.ts';
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

  /** What was there before a restart; call once, after `use`. */
  restore(states: readonly StoredState[]): void {
    const now = this.#now();
    for (const stored of states) {
      const alert = storedToAlert(stored, now);
      if (alert === undefined) {
        this.#parts.writer.forget(alertIdOf(stored), stored);
        continue;
      }
      this.#count += 1;
      const held = this.#byRule.get(stored.ruleId);
      if (held?.subject === stored.subject) held.alerts.set(alert.key, alert);
      else this.#ending.add(alert);
    }
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
    if (this.#parts.silenceOf(rule, labels) !== undefined) {
      if (alert.violated === undefined && alert.savedHeldMs !== 0) this.#note(alert);
      return;
    }
    const crossing = { labels, value: state.value, sinceMs: state.sinceMs };
    alert.violated = crossingToEvent(rule, crossing, this.#parts.identity);
    this.#commit(alert, alert.violated);
  }

  /** Keeps how it is, and tells nobody. */
  #note(alert: Alert): void {
    const { writer, identity } = this.#parts;
    alert.savedHeldMs = 0;
    writer.save(alertIdOf(alert), alertToStored(alert, identity.instanceId, this.#now()));
  }

  #resolve(alert: Alert, value: number | undefined, ending: Ending, atMs: number): void {
    const { violated } = alert;
    alert.violated = undefined;
    if (violated === undefined) {
      this.#note(alert);
      return;
    }
    this.#commit(alert, endingToEvent(violated, { value, ending, atMs }));
  }

  #commit(alert: Alert, event: Parameters<StateWriter['commit']>[1]['event']): void {
    const { writer, identity } = this.#parts;
    alert.isCommitting = true;
    alert.transitionId = randomHex(8);
    alert.savedHeldMs = 0;
    const state = alertToStored(alert, identity.instanceId, this.#now());
    writer.commit(alertIdOf(alert), { state, event }, () => {
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
    const { writer, identity } = this.#parts;
    this.#count -= 1;
    if (alert.savedHeldMs !== undefined) {
      writer.forget(alertIdOf(alert), alertToKey(alert, identity.instanceId));
    }
  }

  #save(rule: Rule, alert: Alert): void {
    const { state, savedHeldMs = 0 } = alert;
    if (state.kind !== 'pending' || alert.isCommitting) return;
    const leastMs = Math.max(LEAST_UNSAVED_MS, rule.forMs * UNSAVED_SHARE);
    if (state.heldMs - savedHeldMs < leastMs) return;
    alert.savedHeldMs = state.heldMs;
    const { writer, identity } = this.#parts;
    writer.save(alertIdOf(alert), alertToStored(alert, identity.instanceId, this.#now()));
  }

  #now() {
    const { clock } = this.#parts;
    return { atMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }
}
