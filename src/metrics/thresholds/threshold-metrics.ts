/** What Drover tells about its own watching. */
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { AlertView } from './alert-table.ts';
import { SEVERITIES } from './rule.ts';

export interface ThresholdMetrics extends Disposable {
  evaluated(kind: 'metric' | 'expression', seconds: number): void;
  failed(): void;
  refused(): void;
}

interface Readings {
  readonly views: () => Iterable<AlertView>;
  readonly waiting: () => number;
  readonly toldServers: () => number;
}

export function createThresholdMetrics(
  registry: MetricsRegistry,
  readings: Readings,
): ThresholdMetrics {
  const alerts = registry.gauge({
    name: 'drover_alerts',
    help: 'Alerts there are at present.',
    labels: ['state', 'severity'],
  });
  const waiting = registry.gauge({
    name: 'drover_alert_transitions_waiting',
    help: 'Transitions of alerts that are not stored yet.',
  });
  const told = registry.gauge({
    name: 'drover_alert_servers',
    help: 'Watched servers of whose alerts this process tells, of all that share its database.',
  });
  const duration = registry.histogram({
    name: 'drover_rule_evaluation_seconds',
    help: 'How long it took to look at all metric rules once, or at one expression.',
    labels: ['kind'],
  });
  const failures = registry.counter({
    name: 'drover_rule_evaluation_failures_total',
    help: 'Expressions of rules that could not be evaluated.',
  });
  const refusals = registry.counter({
    name: 'drover_alerts_refused_total',
    help: 'Alerts not begun because there are as many as there may be.',
  });
  const reading = registry.onCollect(() => {
    for (const state of ['pending', 'firing']) {
      for (const severity of SEVERITIES) alerts.set({ state, severity }, 0);
    }
    for (const { kind, rule } of readings.views()) {
      alerts.add({ state: kind, severity: rule.severity }, 1);
    }
    waiting.set({}, readings.waiting());
    told.set({}, readings.toldServers());
  });
  return {
    evaluated: (kind, seconds) => duration.observe({ kind }, seconds),
    failed: () => failures.inc({}),
    refused: () => refusals.inc({}),
    [Symbol.dispose]: () => reading[Symbol.dispose](),
  };
}
