/** What somebody should look at, the gravest first, and why. */
import { alertKey, labelsOfAlert, type Alert } from '#web/api/alerts.ts';
import { hostServerOf } from '#web/api/fleet.ts';
import type { ServerListed } from '#web/api/server-shapes.ts';
import type { StatusKind } from '#web/components/Status.tsx';
import { quantityOf } from '#web/format/metric-units.ts';
import { quantityToText } from '#web/format/numbers.ts';
import { parseInstant } from '#web/format/times.ts';
import { OVERVIEW } from '#web/text/overview.ts';

export interface Attention {
  /** The same as long as it is the same thing. */
  readonly key: string;
  readonly kind: StatusKind;
  readonly severity: string;
  /** The id of the server, where it is about one of those that are watched. */
  readonly server: string | undefined;
  /** Of an alert, the name of its rule. */
  readonly rule?: string;
  readonly what: string;
  readonly why: string;
  readonly sinceMs: number | undefined;
}

const RANKS: readonly StatusKind[] = ['error', 'warning', 'busy', 'idle'];
const { severities } = OVERVIEW;

export function listAttention(
  servers: readonly ServerListed[],
  alerts: readonly Alert[],
): readonly Attention[] {
  const ids = new Set(servers.map(({ id }) => id));
  const here = hostServerOf(servers);
  const offline = new Set(servers.flatMap(({ id, status }) => (status === 'offline' ? [id] : [])));
  // A rule that says so as well need not say it twice.
  const others = alerts.filter(
    ({ labels }) => labels['status'] !== 'offline' || !offline.has(labels['server'] ?? ''),
  );
  const all = [
    ...servers.flatMap(serverToAttention),
    ...others.map((alert) => alertToAttention(alert, { ids, here })),
  ];
  return all.toSorted(
    (a, b) => RANKS.indexOf(a.kind) - RANKS.indexOf(b.kind) || (a.sinceMs ?? 0) - (b.sinceMs ?? 0),
  );
}

/** Its alerts stand for themselves. */
function serverToAttention({ id, name, status, reasons, sources, ...server }: ServerListed) {
  if (status === 'offline') {
    return [
      {
        ...{ key: `offline ${id}`, kind: 'error', severity: severities.offline, server: id },
        ...{ what: OVERVIEW.offline(name), why: reasons[0] ?? '' },
        sinceMs: parseInstant(server.last_updated),
      } satisfies Attention,
    ];
  }
  return sources.flatMap((source): readonly Attention[] => {
    if (source.error === null) return [];
    return [
      {
        ...{ key: `source ${id} ${source.kind} ${source.label}`, server: id },
        ...{ kind: 'warning', severity: severities.warning },
        ...{ what: OVERVIEW.sourceFails(source.label), why: source.error },
        sinceMs: parseInstant(source.last_answer),
      },
    ];
  });
}

interface Watched {
  readonly ids: ReadonlySet<string>;
  /** This host, where it is one of them: what names no server is about it. */
  readonly here: string | undefined;
}

function alertToAttention(alert: Alert, { ids, here }: Watched): Attention {
  const { rule_name: name, severity, state, since, labels } = alert;
  const server = labels['server'] ?? here;
  const isSilenced = alert.silenced_until !== null;
  const quiet = isSilenced ? 'silenced' : state === 'pending' ? 'pending' : undefined;
  return {
    key: `alert ${alertKey(alert)}`,
    rule: name,
    kind: quiet === undefined ? KINDS[severity] : 'idle',
    severity: severities[quiet ?? severity],
    server: server !== undefined && ids.has(server) ? server : undefined,
    what: name,
    why: [comparisonToText(alert), labelsOfAlert(alert)].filter(Boolean).join(' · '),
    sinceMs: parseInstant(since),
  };
}

const KINDS = { critical: 'error', warning: 'warning', info: 'busy' } as const;

/** `92.1% > 90%`: of a crossed threshold. */
function comparisonToText({ subject, value, comparison, threshold }: Alert): string {
  const [now, limit] = [value, threshold].map((each) => quantityToText(quantityOf(subject, each)));
  return `${now} ${comparison} ${limit}`;
}
