/** Where a VM is to go, by its own name or by the one that older clients know. */
import { flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
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
import { isCustomerId, type CustomerId } from '#kernel/ids.ts';
import { parseLibvirtUri } from './libvirt-uri.ts';
import type { DestinationSpec, RemoteDrover } from './migration-spec.ts';
import type { ReadSourceOptions } from './parse-source.ts';
import { parseDroverUrl } from './source-address.ts';

const KINDS = ['kvm', 'drover', 'file'] as const;
export const DESTINATION_FIELDS = [
  ...['type', 'libvirt_uri', 'pool', 'directory', 'path', 'ready_text'],
  ...['customer_id', 'url', 'token', 'ca', 'thumbprint', 'insecure'],
];
/** Of another Drover alone. */
const REMOTE_KEYS = ['token', 'ca', 'thumbprint', 'insecure'];
export const OUTPUT_FIELDS = ['output_path', 'output_dir'];
const DEFAULT_URI = 'qemu:///system';

export interface ReadDestination {
  readonly spec: DestinationSpec;
  /** For another Drover. */
  readonly token: string | undefined;
}

export function readDestination(
  fields: FieldReader,
  problems: Problems,
  { isChange = false }: ReadSourceOptions = {},
): ReadDestination {
  if (!fields.has('destination')) return withoutToken(readOutput(fields));
  const inner = FieldReader.over(fields.raw('destination'), fields.path('destination'), {
    known: DESTINATION_FIELDS,
    problems,
    isLenient: true,
  });
  const kind = inner.read('type', oneOf(KINDS), 'kvm');
  if (kind === 'drover') return readDrover(inner, isChange);
  const directory = readFirst(inner, ['directory', 'path'], directoryPath);
  if (kind === 'file') {
    if (directory === undefined)
      inner.refuse('directory', 'is missing: where are the files to go?');
    return withoutToken({ kind, directory: directory ?? '/' });
  }
  const pool = inner.optional('pool', shortText);
  if (pool !== undefined && directory !== undefined) {
    inner.refuse('pool', 'cannot be given beside a directory: the disks go to one place');
  }
  const uri = inner.read('libvirt_uri', addressText, DEFAULT_URI);
  inner.gather(() => parseLibvirtUri(uri));
  return withoutToken({
    ...{ kind, pool, directory, uri },
    readyText: inner.optional('ready_text', shortText),
  });
}

function withoutToken(spec: DestinationSpec): ReadDestination {
  return { spec, token: undefined };
}

const customerId = textMatching(
  "1 to 128 letters, digits, '_', '.', '@', ':' or '-', beginning with a letter or digit",
  isCustomerId,
);

function readDrover(inner: FieldReader, isChange: boolean): ReadDestination {
  for (const name of ['libvirt_uri', 'pool', 'directory', 'path']) {
    if (inner.has(name)) inner.refuse(name, 'must be left out: the disks go to the customer');
  }
  const id = inner.require('customer_id', customerId, 'nobody');
  const spec = {
    kind: 'drover',
    // Checked by the kind above.
    customerId: id as CustomerId,
    readyText: inner.optional('ready_text', shortText),
  } as const;
  const url = inner.optional('url', addressText);
  if (url === undefined) {
    const stray = inner.has('url') ? undefined : REMOTE_KEYS.find((name) => inner.has(name));
    if (stray !== undefined) inner.refuse(stray, 'goes with the url of another Drover');
    return withoutToken(spec);
  }
  const token = isChange
    ? inner.optional('token', secretText)
    : inner.require('token', secretText, '');
  return { spec: { ...spec, remote: readRemote(inner, url) }, token };
}

function readRemote(inner: FieldReader, given: string): RemoteDrover | undefined {
  const trust = {
    ca: inner.optional('ca', pemText),
    thumbprint: inner.optional('thumbprint', shortText),
    insecure: inner.read('insecure', flag, false),
  };
  return inner.gather(() => ({
    url: parseDroverUrl(given, 'url'),
    trust: parseTrust(trust),
  }));
}

export function destinationName(destination: DestinationSpec): string {
  switch (destination.kind) {
    case 'kvm':
      return destination.uri;
    case 'drover':
      return destination.remote?.url ?? 'drover';
    case 'file':
      return destination.directory;
  }
}

/** Clients of the program before this one name a folder, and mean files in it. */
function readOutput(fields: FieldReader): DestinationSpec {
  const directory = readFirst(fields, OUTPUT_FIELDS, directoryPath);
  if (directory === undefined && !OUTPUT_FIELDS.some((name) => fields.has(name))) {
    fields.refuse('destination', `is missing; it must be a map with a type: ${KINDS.join(', ')}`);
  }
  return { kind: 'file', directory: directory ?? '/' };
}
