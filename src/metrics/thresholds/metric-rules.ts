/**
 * Rules over single metrics, compared with the live table after each tick. Which series a rule is
 * about is found out when a series comes or goes, so that a tick costs one comparison for each.
 */
import type { CustomerId } from '#kernel/ids.ts';
import { labelsToText } from '#metrics/labels.ts';
import { sampleToNumber } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import type { SeenSeries } from './alert.ts';
import type { AlertTable, Look } from './alert-table.ts';
import { compileMatchers } from './label-filter.ts';
import { isCrossed, type Rule, type RuleId } from './rule.ts';

interface WatchedSeries extends SeenSeries {
  readonly live: LiveSeries;
}

interface WatchedRule {
  readonly rule: Rule;
  readonly matches: ReturnType<typeof compileMatchers>;
  series: readonly WatchedSeries[];
}

/** All rules over one metric, and its series as they were last. */
interface Group {
  readonly rules: WatchedRule[];
  members: readonly WatchedSeries[];
}

export class MetricRules {
  readonly #table: SampleTable;
  readonly #alerts: AlertTable;
  #groups: ReadonlyMap<string, Group> = new Map();
  #membership = -1;

  constructor(table: SampleTable, alerts: AlertTable) {
    this.#table = table;
    this.#alerts = alerts;
  }

  use(rules: readonly Rule[]): void {
    const groups = new Map<string, Group>();
    for (const rule of rules) {
      if (rule.subject.kind !== 'metric') continue;
      const { metric, matchers } = rule.subject;
      const group = groups.get(metric) ?? { rules: [], members: [] };
      groups.set(metric, group);
      group.rules.push({ rule, matches: compileMatchers(matchers), series: [] });
    }
    this.#groups = groups;
    this.#membership = -1;
  }

  evaluate(look: Look): void {
    if (this.#membership !== this.#table.membership) {
      this.#membership = this.#table.membership;
      for (const [metric, group] of this.#groups) this.#index(metric, group);
    }
    for (const { rules } of this.#groups.values()) {
      for (const watched of rules) this.#evaluateRule(watched, look);
    }
  }

  /** How many series the rule is about; 0 also for one that is not known. */
  seriesCountOf(id: RuleId): number {
    for (const { rules } of this.#groups.values()) {
      for (const { rule, series } of rules) if (rule.id === id) return series.length;
    }
    return 0;
  }

  #evaluateRule({ rule, series }: WatchedRule, look: Look): void {
    const alerts = this.#alerts;
    const hasAlerts = alerts.hasAlerts(rule);
    for (const one of series) {
      const { value: sample, family } = one.live;
      if (Number.isNaN(sample)) continue;
      const value = sampleToNumber(sample, family.scale);
      if (hasAlerts || isCrossed(rule, value)) alerts.look(rule, one, value, look);
    }
    alerts.endLook(rule, look);
  }

  #index(metric: string, group: Group): void {
    const live = [...(this.#table.find(metric)?.members.values() ?? [])];
    const isSame =
      live.length === group.members.length &&
      live.every((series, at) => series === group.members[at]?.live);
    // Most often some other metric's series came or went. Rules that are new have none yet.
    if (isSame && group.members.length > 0) return;
    group.members = live.map((series) => ({
      live: series,
      labels: series.labels,
      key: labelsToText(series.labels),
    }));
    const byCustomer = Map.groupBy(group.members, ({ labels }) => labels['customer_id'] ?? '');
    for (const watched of group.rules) {
      const { customerId } = watched.rule;
      const visible = visibleTo(customerId, group.members, byCustomer);
      watched.series = visible.filter(({ labels }) => watched.matches(labels));
    }
  }
}

/** A customer's rules see what is labelled with the customer, whatever their matchers say. */
function visibleTo(
  customerId: CustomerId | undefined,
  members: readonly WatchedSeries[],
  byCustomer: ReadonlyMap<string, readonly WatchedSeries[]>,
): readonly WatchedSeries[] {
  return customerId === undefined ? members : (byCustomer.get(customerId) ?? []);
}
