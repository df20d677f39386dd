/** Where a VM is to go, by its own name or by the one that older clients know. */
import { oneOf, textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, type Problems } from '#kernel/field-reader.ts';
import { directoryPath, readFirst, shortText } from './migration-fields.ts';
import { isCustomerId, type CustomerId } from '#kernel/ids.ts';
import type { DestinationSpec } from './migration-spec.ts';

const KINDS = ['kvm', 'drover', 'file'] as const;
const KEYS = [
  ...['type', 'libvirt_uri', 'pool', 'directory', 'path', 'ready_text'],
  ...['customer_id', 'url', 'token'],
];
const OUTPUT = ['output_path', 'output_dir'];
const DEFAULT_URI = 'qemu:///system';

export function readDestination(fields: FieldReader, problems: Problems): DestinationSpec {
  if (!fields.has('destination')) return readOutput(fields, problems);
  const inner = FieldReader.over(fields.raw('destination'), fields.path('destination'), {
    known: KEYS,
    problems,
    ignoresUnknown: true,
  });
  const kind = inner.read('type', oneOf(KINDS), 'kvm');
  if (kind === 'drover') return readDrover(inner);
  const directory = readFirst(inner, ['directory', 'path'], directoryPath);
  if (kind === 'file') {
    if (directory === undefined)
      inner.refuse('directory', 'is missing: where are the files to go?');
    return { kind, directory: directory ?? '/' };
  }
  const pool = inner.optional('pool', shortText);
  if (pool !== undefined && directory !== undefined) {
    inner.refuse('pool', 'cannot be given beside a directory: the disks go to one place');
  }
  return {
    ...{ kind, pool, directory },
    uri: inner.read('libvirt_uri', shortText, DEFAULT_URI),
    readyText: inner.optional('ready_text', shortText),
  };
}

const customerId = textMatching(
  "1 to 128 letters, digits, '_', '.', '@', ':' or '-', beginning with a letter or digit",
  isCustomerId,
);

function readDrover(inner: FieldReader): DestinationSpec {
  for (const name of ['url', 'token']) {
    if (!inner.has(name)) continue;
    inner.refuse(
      name,
      'must be left out: another Drover cannot be a destination yet, because its API takes no ' +
        'disks; submit the job there',
    );
  }
  for (const name of ['libvirt_uri', 'pool', 'directory', 'path']) {
    if (inner.has(name)) inner.refuse(name, 'must be left out: the disks go to the customer');
  }
  const id = inner.require('customer_id', customerId, 'nobody');
  return {
    kind: 'drover',
    // Checked by the kind above.
    customerId: id as CustomerId,
    readyText: inner.optional('ready_text', shortText),
  };
}

export function destinationName(destination: DestinationSpec): string {
  switch (destination.kind) {
    case 'kvm':
      return destination.uri;
    case 'drover':
      return 'drover';
    case 'file':
      return destination.directory;
  }
}

/** Clients of the program before this one name a folder, and mean files in it. */
function readOutput(fields: FieldReader, problems: Problems): DestinationSpec {
  const directory = readFirst(fields, OUTPUT, directoryPath);
  if (directory === undefined && !OUTPUT.some((name) => fields.has(name))) {
    problems.add('destination', `is missing; it must be a map with a type: ${KINDS.join(', ')}`);
  }
  return { kind: 'file', directory: directory ?? '/' };
}
