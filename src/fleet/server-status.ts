/**
 * What a server's status is. The rules, the first that applies:
 *
 *   offline   none of its sources answered within the age limit
 *   error     a source's last answer is older than the limit, or a critical rule fires
 *   warning   a source failed when it was last asked, or a rule of less weight fires
 *   online    otherwise
 */
import type { ServerStatus, SourceState } from './server-snapshot.ts';

export interface AlertCounts {
  readonly critical: number;
  readonly others: number;
}

export const NO_ALERTS: AlertCounts = { critical: 0, others: 0 };

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
    ...(alerts.critical > 0 ? [`${countOf(alerts.critical, 'critical alert')} firing`] : []),
    ...failing.map(({ label, error }) => `${label}: ${error}`),
    ...(alerts.others > 0 ? [`${countOf(alerts.others, 'alert')} firing`] : []),
  ];
  if (silent.length === sources.length) return { status: 'offline', reasons };
  if (silent.length > 0 || alerts.critical > 0) return { status: 'error', reasons };
  return { status: reasons.length > 0 ? 'warning' : 'online', reasons };
}

function silenceToText({ label, error, ageMs }: SourceState): string {
  const why = error === undefined ? '' : `: ${error}`;
  if (ageMs === undefined) return `${label} has not answered yet${why}`;
  return `${label} last answered ${Math.round(ageMs / 1000)} s ago${why}`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
