/** Which VMs are meant, and where: the same fields in a body and in a query. */
import { invalidArgument } from '#kernel/errors.ts';
import { textMatching } from '#kernel/field-kinds.ts';
import { Problems, readValue, type FieldReader } from '#kernel/field-reader.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import type { ListOptions } from '#transfers/source.ts';
import { directoryPath, shortText, vmPath } from '#transfers/migration-fields.ts';
import { readSource, type ReadSource } from '#transfers/parse-source.ts';

const KEYS = [
  ...['vcenter_url', 'server', 'url', 'username', 'password', 'datacenter', 'insecure'],
  ...['thumbprint', 'ca', 'connection', 'source', 'type', 'path', 'vm_path', 'pattern'],
];

const pattern = textMatching(
  'a path of VMs with * within names, such as Datacenter/vm/production/*',
  (text) => vmPath.parse(text) !== undefined,
);

export interface ListRequest {
  readonly from: ReadSource;
  readonly options: ListOptions;
}

export interface VmRequest {
  readonly from: ReadSource;
  readonly path: string;
}

export function parseListRequest(raw: unknown): ListRequest {
  const problems = new Problems();
  const fields = readFields(raw, KEYS, problems);
  const request = {
    from: readFiles(fields, problems) ?? readVsphere(fields, problems),
    options: {
      datacenter: fields.optional('datacenter', shortText),
      pattern: fields.optional('pattern', pattern),
    },
  };
  problems.throwAny('the VMs cannot be listed');
  return request;
}

/** VMs in files can be looked at, and nothing done to them. */
export function parseVmRequest(raw: unknown, { takesFiles = false } = {}): VmRequest {
  const problems = new Problems();
  const fields = readFields(raw, KEYS, problems);
  const files = takesFiles ? readFiles(fields, problems) : undefined;
  const from = files ?? readVsphere(fields, problems);
  const path = fields.require('vm_path', vmPath, '/').replace(/^\/+/, '');
  problems.throwAny('the VM cannot be found');
  return { from, path };
}

/** Without a path all that may be read; undefined when it is not about files. */
function readFiles(fields: FieldReader, problems: Problems): ReadSource | undefined {
  const flat = { type: fields.raw('type'), path: fields.raw('path') };
  const source = fields.raw('source') ?? flat;
  if (typeof source !== 'object' || source === null || !('type' in source)) return undefined;
  if (source.type !== 'file') return undefined;
  const given: unknown = 'path' in source ? source.path : undefined;
  const rules = { kind: directoryPath, problems };
  const path = given === undefined || given === null ? undefined : readValue(given, 'path', rules);
  return { spec: { kind: 'file', path }, password: undefined };
}

function readVsphere(fields: FieldReader, problems: Problems): ReadSource {
  const from = readSource(fields, problems);
  if (from.spec.kind === 'file') {
    throw invalidArgument('source.type', 'must be vsphere: nothing can be done to a VM in files');
  }
  // A login without a place would go unnoticed, and another one be used.
  const hasLogin = fields.has('username') || fields.has('password');
  if (from.spec.kind === 'default' && hasLogin && problems.isEmpty) {
    fields.refuse('vcenter_url', 'is missing: where is the login for?');
  }
  return from;
}
