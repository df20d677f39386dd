/** Where a VM is to come from: a named connection, an address with a login, or files here. */
import { flag, oneOf } from '#kernel/field-kinds.ts';
import { FieldReader, type Problems } from '#kernel/field-reader.ts';
import { toDroverError } from '#kernel/errors.ts';
import { directoryPath, pemText, readFirst, secretText, shortText } from './migration-fields.ts';
import type { SourceSpec } from './migration-spec.ts';
import { parseTrust } from '#kernel/http-trust.ts';
import { parseSourceUrl } from './source-address.ts';

const KINDS = ['vsphere', 'file'] as const;
const KEYS = [
  ...['type', 'connection', 'vcenter_url', 'username', 'password', 'datacenter', 'insecure'],
  ...['thumbprint', 'ca', 'path'],
];
const URLS = ['vcenter_url', 'server', 'url'];

export interface ReadSource {
  readonly spec: SourceSpec;
  readonly password: string | undefined;
}

/** Clients of the program before this one put it under `vcenter`, or beside everything else. */
export function readSource(fields: FieldReader, problems: Problems): ReadSource {
  const name = ['source', 'vcenter'].find((each) => fields.has(each));
  const rules = { known: KEYS, problems, ignoresUnknown: true };
  const inner =
    name === undefined ? fields : FieldReader.over(fields.raw(name), fields.path(name), rules);
  if (name === 'source' && inner.read('type', oneOf(KINDS), 'vsphere') === 'file') {
    const path = inner.require('path', directoryPath, '/');
    return { spec: { kind: 'file', path }, password: undefined };
  }
  const connection = inner.optional('connection', shortText);
  if (connection !== undefined) {
    return { spec: { kind: 'vsphere', connection }, password: undefined };
  }
  const url = readFirst(inner, URLS, shortText);
  if (url === undefined && !URLS.some((each) => inner.has(each))) {
    return { spec: { kind: 'default' }, password: undefined };
  }
  return readAddress(inner, problems, url ?? '');
}

function readAddress(fields: FieldReader, problems: Problems, given: string): ReadSource {
  const trust = {
    ca: fields.optional('ca', pemText),
    thumbprint: fields.optional('thumbprint', shortText),
    insecure: fields.read('insecure', flag, false),
  };
  const username = fields.require('username', shortText, '');
  const password = fields.require('password', secretText, '');
  try {
    const spec: SourceSpec = {
      ...{ kind: 'vsphere', connection: undefined, username },
      url: parseSourceUrl(given, fields.path('vcenter_url')),
      datacenter: fields.optional('datacenter', shortText),
      trust: parseTrust(trust),
    };
    return { spec, password };
  } catch (thrown) {
    const { message, metadata } = toDroverError(thrown);
    const field = metadata['field'] ?? 'vcenter_url';
    problems.add(
      field.includes('.') ? field : fields.path(field),
      message.replace(`${field}: `, ''),
    );
    return { spec: { kind: 'default' }, password };
  }
}
