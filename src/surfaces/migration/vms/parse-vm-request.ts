/** Which VMs are meant, and where: the same fields in a body and in a query. */
import { invalidArgument } from '#kernel/errors.ts';
import { textMatching } from '#kernel/field-kinds.ts';
import { Problems, type FieldReader } from '#kernel/field-reader.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import type { ListOptions } from '#transfers/source.ts';
import { shortText, vmPath } from '#transfers/migration-fields.ts';
import { readSource, type ReadSource } from '#transfers/parse-source.ts';

const KEYS = [
  ...['vcenter_url', 'server', 'url', 'username', 'password', 'datacenter', 'insecure'],
  ...['thumbprint', 'ca', 'connection', 'source', 'vm_path', 'pattern'],
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
    from: readVsphere(fields, problems),
    options: {
      datacenter: fields.optional('datacenter', shortText),
      pattern: fields.optional('pattern', pattern),
    },
  };
  problems.throwAny('the VMs cannot be listed');
  return request;
}

export function parseVmRequest(raw: unknown): VmRequest {
  const problems = new Problems();
  const fields = readFields(raw, KEYS, problems);
  const from = readVsphere(fields, problems);
  const path = fields.require('vm_path', vmPath, '/').replace(/^\/+/, '');
  problems.throwAny('the VM cannot be found');
  return { from, path };
}

function readVsphere(fields: FieldReader, problems: Problems): ReadSource {
  const from = readSource(fields, problems);
  if (from.spec.kind === 'file') {
    throw invalidArgument('source.type', 'must be vsphere: files are found by nobody');
  }
  // A login without a place would go unnoticed, and another one be used.
  const hasLogin = fields.has('username') || fields.has('password');
  if (from.spec.kind === 'default' && hasLogin && problems.isEmpty) {
    fields.refuse('vcenter_url', 'is missing: where is the login for?');
  }
  return from;
}
