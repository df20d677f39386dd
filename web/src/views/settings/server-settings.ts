/** Servers as they are configured, `/api/v1/servers`, and how a form of texts becomes one. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export const ROLES = ['ai', 'app', 'storage', 'any'] as const;
export const SOURCE_KINDS = ['exporter', 'prometheus', 'proxmox', 'qdrant', 'local'] as const;
export const TRUSTS = ['usual', 'thumbprint', 'insecure'] as const;

export type Role = (typeof ROLES)[number];
export type SourceKind = (typeof SOURCE_KINDS)[number];
export type Trust = (typeof TRUSTS)[number];

export interface SourceSettings {
  readonly kind: SourceKind;
  readonly url?: string;
  readonly instance?: string;
  readonly node?: string | null;
  readonly has_secret?: boolean;
  readonly insecure?: boolean;
  readonly thumbprint?: string | null;
  readonly ca?: string | null;
}

export interface ServerSettings {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly origin: 'builtin' | 'config' | 'api';
  readonly sources: readonly SourceSettings[];
}

export interface SourceTest {
  readonly kind: SourceKind;
  readonly label: string | null;
  readonly works: boolean;
  readonly error: string | null;
  /** It answers, but does not tell all that it should, or is not well itself. */
  readonly trouble: string | null;
  readonly response_ms: number | null;
  readonly tells: readonly string[];
}

export interface ServerTest {
  readonly works: boolean;
  readonly sources: readonly SourceTest[];
}

export const SERVERS_PATH = '/api/v1/servers';
const EVERY_MS = 10_000;

export function useServerSettings() {
  return useQuery({
    queryKey: queryKeys.serverSettings,
    queryFn: ({ signal }) =>
      getJson<{ readonly servers: readonly ServerSettings[] }>(SERVERS_PATH, { signal }),
    refetchInterval: EVERY_MS,
  });
}

export function settingsPath(id: string): string {
  return `${SERVERS_PATH}/${encodeURIComponent(id)}`;
}

export interface SourceForm {
  readonly kind: SourceKind;
  readonly url: string;
  readonly instance: string;
  readonly node: string;
  readonly secret: string;
  /** There is one already, which nobody is shown. */
  readonly hasSecret: boolean;
  readonly trust: Trust;
  readonly thumbprint: string;
  /** Not shown, and sent back as it came. */
  readonly ca: string | null;
}

export interface ServerForm {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly sources: readonly SourceForm[];
}

export const EMPTY_SOURCE: SourceForm = {
  ...{ kind: 'exporter', url: '', instance: '', node: '', secret: '', hasSecret: false },
  ...{ trust: 'usual', thumbprint: '', ca: null },
};

export const EMPTY_SERVER: ServerForm = {
  ...{ id: '', name: '', roles: ['any'], sources: [EMPTY_SOURCE] },
};

export function serverToForm({ id, name, roles, sources }: ServerSettings): ServerForm {
  return { id, name, roles, sources: sources.map(sourceToForm) };
}

function sourceToForm(source: SourceSettings): SourceForm {
  const { kind, url = '', instance = '', node, has_secret: hasSecret = false, ca } = source;
  const thumbprint = source.thumbprint ?? '';
  const trust = source.insecure === true ? 'insecure' : thumbprint === '' ? 'usual' : 'thumbprint';
  return {
    ...{ kind, url, instance, node: node ?? '', secret: '', hasSecret },
    ...{ trust, thumbprint, ca: ca ?? null },
  };
}

/** What the server judges is left to it. A secret that is left empty stays as it is. */
export function formToServer(form: ServerForm): Readonly<Record<string, unknown>> {
  const { id, name, roles, sources } = form;
  return {
    ...{ id: id.trim(), name: name.trim() === '' ? id.trim() : name.trim(), roles },
    sources: sources.map(formToSource),
  };
}

function formToSource(source: SourceForm): Readonly<Record<string, unknown>> {
  const { kind, trust, secret, hasSecret, ca } = source;
  if (kind === 'local') return { kind };
  const node = source.node.trim();
  return {
    ...{ kind, url: source.url.trim() },
    ...(kind === 'prometheus' && { instance: source.instance.trim() }),
    ...(kind === 'proxmox' && { node: node === '' ? null : node }),
    ...(secret !== '' ? { secret } : { has_secret: hasSecret }),
    ...(trust === 'insecure' && { insecure: true }),
    ...(trust === 'thumbprint' && { thumbprint: source.thumbprint.trim() }),
    ...(trust === 'usual' && ca !== null && { ca }),
  };
}

const SOURCE_FIELDS = ['url', 'instance', 'node', 'secret', 'thumbprint'] as const;

/** Where the server's objection belongs: to a field of the server, or of one of its sources. */
export interface FieldPlace {
  /** Counted from 0; undefined: of the server itself. */
  readonly source: number | undefined;
  readonly name: 'id' | 'name' | (typeof SOURCE_FIELDS)[number];
}

/** Undefined when no field of the form is meant. */
export function placeOf(serverField: string | undefined): FieldPlace | undefined {
  if (serverField === 'id' || serverField === 'name') {
    return { source: undefined, name: serverField };
  }
  const [, number, field] = /^sources\[(\d+)\]\.(\w+)$/.exec(serverField ?? '') ?? [];
  const name = SOURCE_FIELDS.find((each) => each === field);
  return name && { source: Number(number), name };
}
