/** What `migrate` and schedules say of a migration, and the request that this makes. */
import type { Invocation, OptionTable, OptionValues } from '#apps/drover/command.ts';
import { DISK_FORMATS } from '#disks/disk-writer.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { POWER_POLICIES, PREPARE_POLICIES } from '#transfers/migration-spec.ts';
import { bandwidth } from '#transfers/parse-controls.ts';
import { TRANSPORTS } from '#transfers/source.ts';
import { DESTINATION_OPTIONS, readDestination } from './destination-options.ts';
import { readSourceOptions, SOURCE_OPTIONS } from './source-options.ts';

const HOW_OPTIONS: OptionTable = {
  map: {
    kind: 'list',
    argument: 'NETWORK=TARGET',
    doc: 'To which network or bridge one of the VM becomes; all of them must be named.',
  },
  'storage-map': {
    kind: 'list',
    argument: 'DATASTORE=TARGET',
    doc: 'To which pool or folder what lies on a datastore, or a disk by its label, goes.',
  },
  method: {
    kind: 'text',
    argument: 'WAY',
    doc: 'How disks are read.',
    choices: ['auto', ...TRANSPORTS],
  },
  format: { kind: 'text', argument: 'FORMAT', doc: 'Of the disks.', choices: DISK_FORMATS },
  compress: { kind: 'flag', doc: 'Compressed clusters, in qcow2.' },
  power: {
    kind: 'text',
    argument: 'POLICY',
    doc: 'What becomes of a VM that runs.',
    choices: POWER_POLICIES,
  },
  'shutdown-timeout': { kind: 'text', argument: 'TIME', doc: 'How long its guest has for that.' },
  name: { kind: 'text', argument: 'NAME', doc: 'What it is called there.' },
  mac: { kind: 'text', argument: 'WHICH', doc: 'MAC addresses.', choices: ['keep', 'new'] },
  'no-start': { kind: 'flag', doc: 'Define it, but do not start it.' },
  'no-verify': { kind: 'flag', doc: 'Do not read back what was written.' },
  'boot-timeout': {
    kind: 'text',
    argument: 'TIME',
    doc: 'Fail when it shows no sign of life within this, such as 5m.',
  },
  'ready-text': {
    kind: 'text',
    argument: 'TEXT',
    doc: 'What the guest prints on its console when it is up.',
  },
  prepare: {
    kind: 'text',
    argument: 'POLICY',
    doc: 'Whether the guest is given drivers for its new devices.',
    choices: PREPARE_POLICIES,
  },
  'parallel-disks': { kind: 'text', argument: 'N', doc: 'Disks at the same time, up to 16.' },
  bandwidth: {
    kind: 'text',
    argument: 'RATE',
    doc: 'The most a job may read in a second, such as 50MiB.',
  },
  'remove-cdrom': { kind: 'flag', doc: 'Take CD-ROM drives out of the VM at the source.' },
  priority: { kind: 'text', argument: 'N', doc: 'From -100 to 100; greater goes first.' },
};

export const MIGRATION_OPTIONS: OptionTable = {
  ...SOURCE_OPTIONS,
  ...DESTINATION_OPTIONS,
  ...HOW_OPTIONS,
};

/** Undefined where none of these options was given. */
export function firstGiven(options: OptionValues): string | undefined {
  return Object.keys(MIGRATION_OPTIONS).find(
    (name) =>
      options.text(name) !== undefined || options.flag(name) || options.list(name).length > 0,
  );
}

/** As `POST /jobs/submit` takes it. Asks for a password where one is needed. */
export async function readMigration(vmPath: string, invocation: Invocation): Promise<object> {
  const { options } = invocation;
  // Before anything is asked: whoever typed a password does not want to type it again.
  const rest = {
    options: readHow(options),
    priority: options.whole('priority', { least: -100, most: 100 }),
  };
  const destination = await readDestination(invocation);
  return { vm_path: vmPath, source: await readSourceOptions(invocation), destination, ...rest };
}

/** What is left out of an object is left out of its JSON, and is as the server has it. */
function readHow(options: OptionValues): object {
  return {
    network_mapping: readMap(options, 'map'),
    storage_mapping: readMap(options, 'storage-map'),
    conversion_method: options.text('method'),
    disk_format: options.text('format'),
    compress: options.flag('compress') ? true : undefined,
    power: options.text('power'),
    shutdown_timeout: options.text('shutdown-timeout'),
    target_name: options.text('name'),
    mac: options.text('mac'),
    prepare: options.text('prepare'),
    start: options.flag('no-start') ? false : undefined,
    verify: options.flag('no-verify') ? false : undefined,
    boot_timeout: options.text('boot-timeout'),
    parallel_disks: options.whole('parallel-disks', { least: 1, most: 16 }),
    bandwidth_limit: readBandwidth(options),
    remove_cdrom: options.flag('remove-cdrom') ? true : undefined,
  };
}

/** Undefined where it is not said. */
export function readBandwidth(options: OptionValues): number | undefined {
  const text = options.text('bandwidth');
  const rate = bandwidth.parse(text);
  if (text === undefined || rate !== undefined) return rate;
  throw invalidArgument('--bandwidth', `must be ${bandwidth.expectation}, not ${text}`);
}

/** The last `=` divides: names in vSphere may hold one, bridges and pools hardly do. */
function readMap(options: OptionValues, name: string): object | undefined {
  const pairs = options.list(name).map((text): [string, string] => {
    const at = text.lastIndexOf('=');
    if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
    throw invalidArgument(
      `--${name}`,
      `must be SOURCE=TARGET, such as "VM Network=br0", not ${text}`,
    );
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}
