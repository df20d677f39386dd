/** Which servers the alerts that fire are about. */
import { isServerId, type ServerId } from '#kernel/ids.ts';
import type { Labels } from '#metrics/labels.ts';
import type { Rule, Severity } from '#metrics/thresholds/rule.ts';
import type { AlertCounts } from './server-status.ts';

export interface FiringAlert {
  readonly rule: Pick<Rule, 'name' | 'severity' | 'customerId'>;
  readonly series: { readonly labels: Labels };
  /** Undefined: whoever wants to know is told. */
  readonly silence: object | undefined;
}

const MOST_NAMES = 3;

/**
 * Series of a watched server name it; all others are of this host, which `localIds` are. Rules of
 * customers are about their own machines, and for them to look at.
 */
export function countAlerts(
  firing: Iterable<FiringAlert>,
  localIds: readonly ServerId[],
): ReadonlyMap<ServerId, AlertCounts> {
  const byServer = new Map<ServerId, Record<Severity, string[]>>();
  for (const { rule, series, silence } of firing) {
    if (silence !== undefined || rule.customerId !== undefined) continue;
    const named = series.labels['server'];
    const ids = named === undefined ? localIds : isServerId(named) ? [named] : [];
    for (const id of ids) {
      const known = byServer.get(id) ?? { critical: [], warning: [], info: [] };
      known[rule.severity].push(rule.name);
      byServer.set(id, known);
    }
  }
  return new Map(
    Array.from(byServer, ([id, { critical, warning, info }]) => [
      id,
      {
        ...{ critical: critical.length, warning: warning.length, info: info.length },
        names: {
          ...{ critical: namesToText(critical), warning: namesToText(warning) },
          info: namesToText(info),
        },
      },
    ]),
  );
}

/** One rule may fire for several things of a server. */
function namesToText(names: readonly string[]): string {
  const all = [...new Set(names)].toSorted();
  const left = all.length - MOST_NAMES;
  return [...all.slice(0, MOST_NAMES), ...(left > 0 ? [`${left} more`] : [])].join(', ');
}
