/** What somebody should look at: rules that fire, and servers that do not answer. */
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { formatAge, printable } from '#apps/drover/client/text-table.ts';
import type { WireAlert } from '#apps/drover/client/wire-alert.ts';
import { SERVER_STATES, type WireServerState } from './wire-server.ts';

export interface Attention {
  /** The same as long as it is the same thing. */
  readonly key: string;
  readonly server: string | null;
  readonly severity: string;
  readonly what: string;
  readonly why: string;
  /** Null where nobody noted it. */
  readonly since: string | null;
  /** Null: whoever wants to know is told. */
  readonly silencedUntil: string | null;
}

export const ATTENTION_HEADER: readonly string[] = ['SERVER', 'SEVERITY', 'WHAT', 'FOR', 'WHY'];
const OFFLINE = 'offline';
/** The gravest first. */
const SEVERITIES = [OFFLINE, 'critical', 'warning', 'info'];

export async function readAttention(api: RestClient): Promise<readonly Attention[]> {
  const [alerts, states] = await Promise.all([
    api.all('/api/v1/alerts?state=firing', 'alerts') as Promise<readonly WireAlert[]>,
    api.call('GET', SERVER_STATES) as Promise<{ servers: readonly WireServerState[] }>,
  ]);
  const offline = states.servers.filter(({ status }) => status === OFFLINE);
  const told = (id: string) => alerts.find((alert) => isAboutOffline(alert, id));
  const others = alerts.filter((alert) => !offline.some(({ id }) => isAboutOffline(alert, id)));
  return [
    ...offline.map((server) => offlineToAttention(server, told(server.id))),
    ...others.map(alertToAttention),
  ].toSorted((one, other) => gravityOf(one) - gravityOf(other));
}

/** Of a rule that says the same of the server, which need not be said twice. */
function isAboutOffline({ labels }: WireAlert, id: string): boolean {
  return labels['server'] === id && labels['status'] === OFFLINE;
}

export function attentionToCells(it: Attention, nowMs: number): readonly string[] {
  const age = it.since === null ? '-' : formatAge(nowMs - Date.parse(it.since));
  return [printable(it.server ?? '-'), it.severity, printable(it.what), age, printable(it.why)];
}

/** What is silenced comes last. */
function gravityOf({ severity, silencedUntil }: Attention): number {
  const silenced = silencedUntil === null ? 0 : SEVERITIES.length;
  return SEVERITIES.indexOf(severity) + silenced;
}

function offlineToAttention(
  { id, reasons, last_updated }: WireServerState,
  alert: WireAlert | undefined,
): Attention {
  const silence = alert === undefined ? [] : silenceToText(alert);
  return {
    ...{ key: `offline ${id}`, server: id, severity: OFFLINE, what: 'no source answers' },
    ...{ why: [reasons[0] ?? '', ...silence].join(' '), since: last_updated },
    silencedUntil: alert?.silenced_until ?? null,
  };
}

function alertToAttention(alert: WireAlert): Attention {
  const { rule_id, rule_name: what, severity, since, labels, value } = alert;
  const { server, instance, ...rest } = labels;
  const labelText = Object.entries(rest).map(([name, text]) => `${name}=${text}`);
  const shown = value === null ? '?' : `${Number(value.toPrecision(6))}`;
  const why = `${shown} ${alert.comparison} ${alert.threshold}`;
  return {
    key: `${rule_id} ${JSON.stringify(labels)}`,
    ...{ server: server ?? instance ?? null, severity, what, since },
    silencedUntil: alert.silenced_until,
    why: [why, ...labelText, ...silenceToText(alert)].join(' '),
  };
}

function silenceToText({ silenced_until: until }: WireAlert): readonly string[] {
  return until === null ? [] : [`(silenced until ${until})`];
}
