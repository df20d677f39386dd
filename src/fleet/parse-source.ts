/** One source of a server, as people write it. */
import { flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, type FieldKind, type Problems } from '#kernel/field-reader.ts';
import { parseTrust, type HttpTrust } from '#kernel/http-trust.ts';
import { SOURCE_KINDS, type SourceKind, type SourceSpec } from './server.ts';

export interface SourceDraft {
  /** Its secret is not in it. */
  readonly spec: SourceSpec;
  readonly secret: SecretDraft;
}

export type SecretDraft =
  | { readonly kind: 'given'; readonly text: string }
  /** There is to be none. */
  | { readonly kind: 'none' }
  /** Nothing is said of it, or that there is one already: it stays with the place it goes to. */
  | { readonly kind: 'kept'; readonly isExpected: boolean };

type HttpKind = Exclude<SourceKind, 'local'>;

const HTTP_FIELDS = ['kind', 'url', 'secret', 'ca', 'thumbprint', 'insecure'];
const OWN_FIELDS: Readonly<Record<SourceKind, readonly string[]>> = {
  local: ['kind'],
  exporter: HTTP_FIELDS,
  prometheus: [...HTTP_FIELDS, 'instance'],
  proxmox: [...HTTP_FIELDS, 'node'],
  qdrant: HTTP_FIELDS,
};
/** Answered as well, so that an answer can be sent back. */
const ANSWERED_FIELDS = ['has_secret'];
const LONGEST_URL = 2000;
const LONGEST_SECRET = 4096;

const kind = oneOf(SOURCE_KINDS);
const text = textMatching('a text', () => true);
const url: FieldKind<string> = {
  ...textMatching(
    'an http:// or https:// URL without a login, a query or a fragment: put logins into secret',
    isPlainUrl,
  ),
  // Somebody may have put a password into it.
  isSecret: true,
};
const instance = textMatching(
  'the label instance that the Prometheus gives it, such as web-1:9100',
  (label) => label !== '' && label.length <= 253 && !/[\p{Cc}\s]/u.test(label),
);
const node = textMatching('the name of a node of the cluster', (name) =>
  /^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/.test(name),
);
/** It becomes a header. */
const secret: FieldKind<string> = {
  ...textMatching(
    `a text of 1 to ${LONGEST_SECRET} visible characters`,
    (given) => /^[\x21-\x7e][\x20-\x7e]*$/.test(given) && given.length <= LONGEST_SECRET,
  ),
  isSecret: true,
};
const proxmoxToken: FieldKind<string> = {
  ...textMatching('an API token in the form USER@REALM!TOKENID=SECRET', (given) =>
    /^[\x21-\x7e]+@[\x21-\x7e]+![\x21-\x7e]+=[\x21-\x7e]+$/.test(given),
  ),
  isSecret: true,
};

/** Undefined when it cannot be told what it is to be; why is among the problems then. */
export function parseSource(
  raw: unknown,
  path: string,
  problems: Problems,
): SourceDraft | undefined {
  const every = new Set([...Object.values(OWN_FIELDS).flat(), ...ANSWERED_FIELDS]);
  const given = FieldReader.over(raw, path, { known: [...every], problems });
  const found = given.require('kind', kind, 'local');
  // Without it there is no telling what else must be there.
  if (kind.parse(given.raw('kind')) === undefined) return undefined;
  for (const name of every) {
    if (!given.has(name) || OWN_FIELDS[found].includes(name)) continue;
    if (!ANSWERED_FIELDS.includes(name)) given.refuse(name, `is not for sources of kind ${found}`);
  }
  if (found === 'local') return { spec: { kind: 'local' }, secret: { kind: 'none' } };
  return { spec: readSpec(given, found), secret: readSecret(given, found) };
}

function readSpec(given: FieldReader, found: HttpKind): SourceSpec {
  const address = given.require('url', url, 'http://none');
  const common = {
    url: new URL(address).href.replace(/\/+$/, ''),
    trust: readTrust(given, address),
    sealedSecret: undefined,
  };
  switch (found) {
    case 'prometheus':
      return { kind: found, instance: given.require('instance', instance, ''), ...common };
    case 'proxmox':
      return { kind: found, node: given.optional('node', nullable(node)) ?? undefined, ...common };
    case 'exporter':
    case 'qdrant':
      return { kind: found, ...common };
  }
}

function readTrust(given: FieldReader, address: string): HttpTrust {
  const settings = {
    ca: given.optional('ca', nullable(text)) ?? undefined,
    thumbprint: given.optional('thumbprint', nullable(text)) ?? undefined,
    insecure: given.optional('insecure', flag),
  };
  const trust = given.gather(() => parseTrust(settings)) ?? parseTrust({});
  const said = trust.ca ?? trust.thumbprint ?? (trust.isInsecure ? 'insecure' : undefined);
  if (said !== undefined && address.startsWith('http:')) {
    given.refuse('url', 'must begin with https:// where a certificate is to be judged');
  }
  return trust;
}

function readSecret(given: FieldReader, found: HttpKind): SecretDraft {
  const raw = given.raw('secret');
  if (given.has('secret') && (raw === null || raw === '')) return { kind: 'none' };
  const value = given.optional('secret', found === 'proxmox' ? proxmoxToken : secret);
  if (value !== undefined) return { kind: 'given', text: value };
  return { kind: 'kept', isExpected: given.raw('has_secret') === true };
}

function nullable<T>(given: FieldKind<T>): FieldKind<T | null> {
  return { ...given, parse: (raw) => (raw === null ? null : given.parse(raw)) };
}

function isPlainUrl(given: string): boolean {
  if (given.length > LONGEST_URL || !/^https?:\/\/./i.test(given)) return false;
  const parsed = URL.parse(given);
  if (parsed === null) return false;
  return parsed.username === '' && parsed.password === '' && !/[?#\s]/.test(given);
}
