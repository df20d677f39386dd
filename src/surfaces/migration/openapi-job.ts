/** A request for a job, field by field. A test compares it with what the parsers read. */
import { DISK_FORMATS } from '#disks/disk-writer.ts';
import { POWER_POLICIES, PREPARE_POLICIES } from '#transfers/migration-spec.ts';
import { METHODS } from '#transfers/parse-options.ts';
import { FLAG, oneOf, SECRET, TEXT, WHOLE, type Json } from '#surfaces/edge/openapi-kinds.ts';

const TRUST = {
  insecure: { ...FLAG, description: 'Believes every certificate' },
  thumbprint: { ...TEXT, description: 'SHA-256 of the one certificate to believe' },
  ca: { ...TEXT, description: 'PEM of the authorities to believe' },
};

export const LOGIN = {
  connection: { ...TEXT, description: 'The name of a connection, instead of an address' },
  ...{ vcenter_url: TEXT, username: TEXT, password: SECRET, datacenter: TEXT, ...TRUST },
};

const SECONDS = { type: ['number', 'string'], description: 'Seconds, or such as 5m' };
const TEXT_MAP = { type: 'object', additionalProperties: TEXT };
const SCALARS = { type: ['string', 'number', 'boolean', 'null'] };

/** What is written so by clients of the program before this one. */
function former(schema: Json, instead: string): Json {
  return { ...schema, deprecated: true, description: `The same as ${instead}` };
}

const SOURCE = {
  type: 'object',
  description: 'Left out: what the server was started with, such as GOVC_URL',
  properties: {
    type: oneOf(['vsphere', 'file']),
    path: { ...TEXT, description: 'Of files on the host of Drover: a folder, or one of them' },
    ...LOGIN,
    server: former(TEXT, 'vcenter_url'),
    url: former(TEXT, 'vcenter_url'),
  },
};

const DESTINATION = {
  type: 'object',
  properties: {
    type: oneOf(['kvm', 'drover', 'file']),
    libvirt_uri: { ...TEXT, description: 'qemu:///system, or qemu+ssh://user@host/system' },
    pool: { ...TEXT, description: 'Of libvirt; not beside a directory' },
    directory: { ...TEXT, description: 'In one of migration.directories' },
    path: former(TEXT, 'directory'),
    ready_text: { ...TEXT, description: 'What the serial console says when the guest is up' },
    customer_id: { ...TEXT, description: 'Whose machine the VM becomes' },
    url: { ...TEXT, description: 'Of another Drover' },
    token: { ...SECRET, description: 'Of an operator at the other Drover' },
    ...TRUST,
  },
};

const OPTIONS = {
  type: 'object',
  properties: {
    conversion_method: oneOf(METHODS),
    network_mapping: { ...TEXT_MAP, description: 'From networks to networks or bridges there' },
    storage_mapping: { ...TEXT_MAP, description: 'From datastores, or labels of disks, to pools' },
    disk_format: oneOf(DISK_FORMATS),
    ...{ compress: FLAG, verify: FLAG, start: FLAG, remove_cdrom: FLAG },
    power: oneOf(POWER_POLICIES, 'What to do about a VM that is running'),
    ...{ shutdown_timeout: SECONDS, boot_timeout: SECONDS },
    parallel_disks: { ...WHOLE, minimum: 1, maximum: 16 },
    parallel_downloads: former(WHOLE, 'parallel_disks'),
    bandwidth_limit: {
      type: ['integer', 'string', 'null'],
      description: 'Bytes a second, or such as 50MiB/s',
    },
    target_name: { ...TEXT, description: 'Of the VM at the destination; not where vm_path has *' },
    prepare: oneOf(PREPARE_POLICIES, 'Whether the guest gets drivers for virtio'),
    mac: oneOf(['keep', 'new']),
    dry_run: { ...FLAG, description: 'Preflight alone' },
  },
};

export const JOB_REQUEST = {
  type: 'object',
  required: ['vm_path'],
  properties: {
    id: { ...TEXT, description: 'Makes a repetition harmless; left out, one is made up' },
    ...{ name: TEXT, batch_id: TEXT },
    vm_path: { ...TEXT, description: 'Datacenter/vm/folder/name; with * it stands for many' },
    ...{ source: SOURCE, destination: DESTINATION, options: OPTIONS },
    priority: { ...WHOLE, minimum: -100, maximum: 100 },
    max_attempts: { ...WHOLE, minimum: 1, maximum: 100 },
    metadata: { type: 'object', additionalProperties: SCALARS },
    vcenter: former(SOURCE, 'source'),
    ...Object.fromEntries(
      Object.entries({ ...LOGIN, server: TEXT }).map(([name, schema]) => [
        name,
        former(schema, `source.${name}`),
      ]),
    ),
    output_path: former(TEXT, 'a destination of the type file with this directory'),
    output_dir: former(TEXT, 'output_path'),
    export_method: former(oneOf(METHODS), 'options.conversion_method'),
    method: former(oneOf(METHODS), 'options.conversion_method'),
    compress: former(FLAG, 'options.compress'),
  },
};
