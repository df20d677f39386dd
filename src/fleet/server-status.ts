/**
 * What a server's status is. The rules, the first that applies:
 *
 *   offline   none of its sources answered within the age limit
 *   error     a source's last answer is older than the limit, or a critical rule fires
 *   warning   a source failed when it was last asked, told less than it should, or is not well
 *             itself, or a rule with the severity warning fires
 *   online    otherwise; what is for information is counted, and no reason to worry
 */
import { toIsoTime } from '#kernel/clock.ts';
import type { Severity } from '#metrics/thresholds/rule.ts';
import type { ServerStatus, SourceState } from './server-snapshot.ts';

export interface AlertCounts extends Readonly<Record<Severity, number>> {
  /** The names of the rules, for people; of many only some. */
  readonly names?: Readonly<Record<Severity, string>>;
}

export const NO_ALERTS: AlertCounts = { critical: 0, warning: 0, info: 0 };

export interface StatusQuestion {
  readonly sources: readonly SourceState[];
  readonly alerts: AlertCounts;
  readonly ageLimitMs: number;
}

export interface StatusAnswer {
  readonly status: ServerStatus;
  /** For people, the gravest first; empty when all is well. */
  readonly reasons: readonly string[];
}

export function judgeServer({ sources, alerts, ageLimitMs }: StatusQuestion): StatusAnswer {
  if (sources.length === 0) return { status: 'offline', reasons: ['it has no source'] };
  const silent = sources.filter(({ ageMs }) => ageMs === undefined || ageMs > ageLimitMs);
  const failing = sources.filter((each) => each.error !== undefined && !silent.includes(each));
  const reasons = [
    ...silent.map(silenceToText),
    ...alertsToText(alerts, 'critical', 'critical alert'),
    ...failing.map(({ label, error }) => `${label}: ${error}`),
    ...alertsToText(alerts, 'warning', 'alert'),
  ];
  if (silent.length === sources.length) return { status: 'offline', reasons };
  if (silent.length > 0 || alerts.critical > 0) return { status: 'error', reasons };
  return { status: reasons.length > 0 ? 'warning' : 'online', reasons };
}

/** With the instant and not with an age: it is shown until something else changes. */
function silenceToText({ label, error, answeredAt }: SourceState): string {
  const why = error === undefined ? '' : `: ${error}`;
  if (answeredAt === undefined) return `${label} has not answered yet${why}`;
  return `${label} has not answered since ${toIsoTime(answeredAt)}${why}`;
}

function alertsToText(alerts: AlertCounts, severity: Severity, what: string): readonly string[] {
  const count = alerts[severity];
  const names = alerts.names?.[severity];
  if (count === 0) return [];
  const all = `${count} ${what}${count === 1 ? '' : 's'} firing`;
  return [names === undefined ? all : `${all}: ${names}`];
}
