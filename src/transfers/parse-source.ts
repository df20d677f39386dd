/** Where a VM is to come from: a named connection, an address with a login, or files here. */
import { flag, oneOf } from '#kernel/field-kinds.ts';
import { FieldReader, type Problems } from '#kernel/field-reader.ts';
import { parseTrust } from '#kernel/http-trust.ts';
import {
  addressText,
  directoryPath,
  pemText,
  readFirst,
  secretText,
  shortText,
} from './migration-fields.ts';
import type { SourceSpec } from './migration-spec.ts';
import { parseSourceUrl } from './source-address.ts';

const KINDS = ['vsphere', 'file'] as const;
const URLS = ['vcenter_url', 'server', 'url'];
/** What belongs to an address, and goes nowhere else. */
const LOGIN = ['username', 'password', 'thumbprint', 'ca'];
export const SOURCE_FIELDS = [
  ...['type', 'connection', 'datacenter', 'insecure', 'path', ...URLS, ...LOGIN],
];
/** Of those, what clients of the program before this one put beside everything else. */
export const LOGIN_FIELDS = SOURCE_FIELDS.filter((name) => !['type', 'path', 'url'].includes(name));

export interface ReadSource {
  readonly spec: SourceSpec;
  readonly password: string | undefined;
}

export interface ReadSourceOptions {
  /** Of a change: a password that is left out may be the one that is there. */
  readonly isChange?: boolean;
}

/** Clients of the program before this one put it under `vcenter`, or beside everything else. */
export function readSource(
  fields: FieldReader,
  problems: Problems,
  { isChange = false }: ReadSourceOptions = {},
): ReadSource {
  const name = ['source', 'vcenter'].find((each) => fields.has(each));
  const rules = { known: SOURCE_FIELDS, problems, isLenient: true };
  const inner =
    name === undefined ? fields : FieldReader.over(fields.raw(name), fields.path(name), rules);
  if (name === 'source' && inner.read('type', oneOf(KINDS), 'vsphere') === 'file') {
    const path = inner.require('path', directoryPath, '/');
    return { spec: { kind: 'file', path }, password: undefined };
  }
  const datacenter = inner.optional('datacenter', shortText);
  const within = datacenter === undefined ? {} : { datacenter };
  const connection = inner.optional('connection', shortText);
  if (connection !== undefined) {
    for (const stray of [...URLS, ...LOGIN, 'insecure']) {
      if (inner.has(stray)) inner.refuse(stray, 'must be left out: the connection has its own');
    }
    return { spec: { kind: 'vsphere', connection, ...within }, password: undefined };
  }
  const url = readFirst(inner, URLS, addressText);
  if (url !== undefined || URLS.some((each) => inner.has(each))) {
    return readAddress(inner, url ?? '', { datacenter, isChange });
  }
  // It would go unnoticed, and the server that is there by default get the job.
  const stray = LOGIN.find((each) => inner.has(each));
  if (stray !== undefined) inner.refuse('vcenter_url', `is missing: where is the ${stray} for?`);
  return { spec: { kind: 'default', ...within }, password: undefined };
}

interface AddressOptions {
  readonly datacenter: string | undefined;
  readonly isChange: boolean;
}

function readAddress(
  fields: FieldReader,
  given: string,
  { datacenter, isChange }: AddressOptions,
): ReadSource {
  const trust = {
    ca: fields.optional('ca', pemText),
    thumbprint: fields.optional('thumbprint', shortText),
    insecure: fields.read('insecure', flag, false),
  };
  const username = fields.require('username', shortText, '');
  const password = isChange
    ? fields.optional('password', secretText)
    : fields.require('password', secretText, '');
  const spec = fields.gather((): SourceSpec => ({
    ...{ kind: 'vsphere', connection: undefined, username, datacenter },
    url: parseSourceUrl(given, 'vcenter_url'),
    trust: parseTrust(trust),
  }));
  return { spec: spec ?? { kind: 'default' }, password };
}
