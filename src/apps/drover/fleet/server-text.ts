/** Servers in words, for people. */
import { formatSheet } from '#apps/drover/client/sheet-text.ts';
import { formatAge, printable } from '#apps/drover/client/text-table.ts';
import type {
  WireServer,
  WireServerState,
  WireSource,
  WireSourceState,
  WireTest,
} from './wire-server.ts';

export const SERVER_HEADER: readonly string[] = [
  ...['SERVER', 'STATUS', 'ROLES', 'CPU', 'MEMORY', 'GPU', 'VMS', 'ALERTS', 'WHY'],
];
const UNKNOWN = '-';

export function serverToCells(server: WireServerState): readonly string[] {
  const { vm_count: all, running_vms: running, alerts, reasons } = server;
  return [
    server.id,
    server.status,
    server.roles.join(','),
    percent(server.cpu_usage),
    percent(server.memory_usage),
    percent(server.gpu_usage),
    all === null || all === 0 ? UNKNOWN : `${running}/${all}`,
    alerts === 0 ? UNKNOWN : String(alerts),
    printable(reasons[0] ?? ''),
  ];
}

/** `state` is undefined where nobody knows how it is. */
export function serverToSheet(
  server: WireServer,
  state: WireServerState | undefined,
  nowMs: number,
): string {
  const { id, name, roles, origin, sources } = server;
  const states = state?.sources ?? [];
  return formatSheet([
    ['id', id],
    ['name', name],
    ['roles', roles.join(', ')],
    ['from', ORIGINS[origin] ?? origin],
    ['status', state?.status],
    ...(state?.reasons ?? []).map((reason) => ['because', reason] as const),
    ['cpu', state && percent(state.cpu_usage)],
    ['memory', state && percent(state.memory_usage)],
    ['alerts', state?.alerts],
    ...sources.map((source, at) => {
      return [
        `source ${at + 1}`,
        `${sourceToText(source)}${ageToText(states[at], nowMs)}`,
      ] as const;
    }),
  ]);
}

function ageToText(state: WireSourceState | undefined, nowMs: number): string {
  if (state === undefined) return '';
  const { last_answer: at, error } = state;
  const said =
    at === null ? ', never answered' : `, answered ${formatAge(nowMs - Date.parse(at))} ago`;
  return error === null ? said : `${said}; now: ${printable(error)}`;
}

export function testToLines(id: string, { sources }: WireTest): readonly string[] {
  return sources.map(({ kind, label, error, trouble, response_ms: ms, tells }) => {
    const what = `${id}: ${printable(label ?? kind)}`;
    if (error !== null) return `${what} fails: ${printable(error)}`;
    const told = `${what} answers in ${ms} ms, and tells ${tells.join(', ') || 'nothing yet'}`;
    return trouble === null ? told : `${told}; but ${printable(trouble)}`;
  });
}

function sourceToText({ kind, url, instance, node, ...trust }: WireSource): string {
  const parts = [
    url === undefined ? kind : `${kind} ${printable(url)}`,
    instance === undefined ? '' : `instance ${printable(instance)}`,
    node === undefined || node === null ? '' : `node ${printable(node)}`,
    trust.has_secret === true ? 'with a secret' : '',
    trust.insecure === true ? 'believes anybody' : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${value.toFixed(1)} %`;
}

const ORIGINS: Readonly<Record<string, string>> = {
  builtin: 'this host, shown while there are no other servers',
  config: 'the configuration of the server',
};
