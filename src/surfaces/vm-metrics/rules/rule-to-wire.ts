/** Rules and alerts as the API answers them. What a rule is answered as can be sent back. */
import { toIsoTime } from '#kernel/clock.ts';
import type { AlertView } from '#metrics/thresholds/alert-table.ts';
import { durationToText } from '#metrics/thresholds/duration.ts';
import { matcherToText } from '#metrics/thresholds/label-filter.ts';
import { subjectToText, type Rule, type RuleSubject } from '#metrics/thresholds/rule.ts';
import type { Silence } from '#metrics/thresholds/silence.ts';
import type { Thresholds } from '#metrics/thresholds/thresholds.ts';

/** What answers say of a rule beyond its definition; requests may hold it and it is not read. */
export const ANSWERED_FIELDS = [
  ...['id', 'source', 'overridden', 'health', 'alerts', 'created_at', 'updated_at'],
];

export function ruleToWire(thresholds: Thresholds, rule: Rule) {
  const { kind, seriesCount, error } = thresholds.healthOf(rule);
  const alerts = thresholds.states({ customerId: undefined, ruleId: rule.id });
  const pending = alerts.filter((alert) => alert.kind === 'pending').length;
  return {
    id: rule.id,
    name: rule.name,
    customer_id: rule.customerId ?? null,
    source: rule.source,
    overridden: rule.isOverridden,
    ...subjectToWire(rule.subject),
    comparison: rule.comparison,
    value: rule.value,
    for: durationToText(rule.forMs),
    hysteresis: rule.hysteresis,
    cooldown: durationToText(rule.cooldownMs),
    repeat: rule.repeatMs === undefined ? null : durationToText(rule.repeatMs),
    severity: rule.severity,
    labels: rule.labels,
    enabled: rule.isEnabled,
    description: rule.description,
    health: { status: kind, series: seriesCount, error: error ?? null },
    alerts: { pending, firing: alerts.length - pending },
    created_at: rule.createdAt === undefined ? null : toIsoTime(rule.createdAt),
    updated_at: rule.updatedAt === undefined ? null : toIsoTime(rule.updatedAt),
  };
}

export function alertToWire({ rule, series, kind, silence, sinceMs, value }: AlertView) {
  return {
    rule_id: rule.id,
    rule_name: rule.name,
    customer_id: rule.customerId ?? null,
    state: kind,
    severity: rule.severity,
    subject: subjectToText(rule.subject),
    comparison: rule.comparison,
    threshold: rule.value,
    value: value ?? null,
    since: toIsoTime(sinceMs),
    labels: { ...rule.labels, ...series.labels },
    description: rule.description,
    silenced_until: silence === undefined ? null : toIsoTime(silence.untilMs),
  };
}

export function silenceToWire(silence: Silence) {
  const { id, matchers, untilMs, comment, createdBy, createdAt } = silence;
  return {
    ...{ id, match: matchers.map(matcherToText), until: toIsoTime(untilMs), comment },
    ...{ created_by: createdBy, created_at: toIsoTime(createdAt) },
  };
}

function subjectToWire(subject: RuleSubject) {
  if (subject.kind === 'metric') {
    return { metric: subject.metric, match: subject.matchers.map(matcherToText) };
  }
  return { expr: subject.expression, every: durationToText(subject.everyMs) };
}
