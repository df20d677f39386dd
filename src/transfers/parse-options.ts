/** How a migration is to be done. What is left out has a default that is safe for the source. */
import { duration, flag, oneOf, whole } from '#kernel/field-kinds.ts';
import { FieldReader, readValue, type Problems } from '#kernel/field-reader.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { DISK_FORMATS } from '#disks/disk-writer.ts';
import { readFirst, shortText, targetName } from './migration-fields.ts';
import { POWER_POLICIES, PREPARE_POLICIES, type MigrationOptions } from './migration-spec.ts';
import { bandwidth } from './parse-controls.ts';
import { TRANSPORTS, type Transport } from './source.ts';

const MOST_MAPPINGS = 200;
const MOST_DISKS_AT_ONCE = 16;
const DEFAULT_DISKS_AT_ONCE = 2;
/** Programs that the one before this ran, for which there is no need here. */
export const FORMER_METHODS = ['govc', 'ovftool', 'ctl'] as const;
export const METHODS = ['auto', ...TRANSPORTS, 'web', ...FORMER_METHODS] as const;
export const OPTION_FIELDS = [
  ...['conversion_method', 'network_mapping', 'storage_mapping', 'disk_format', 'compress'],
  ...['power', 'shutdown_timeout', 'parallel_disks', 'parallel_downloads', 'verify'],
  ...['target_name', 'prepare', 'mac', 'start', 'boot_timeout', 'remove_cdrom', 'dry_run'],
  'bandwidth_limit',
];

export function readOptions(fields: FieldReader, problems: Problems): MigrationOptions {
  const raw = fields.raw('options') ?? {};
  const options = FieldReader.over(raw, fields.path('options'), {
    known: OPTION_FIELDS,
    problems,
    isLenient: true,
  });
  const bootTimeoutMs = options.optional('boot_timeout', duration(0, HOUR_MS));
  return {
    transport: readTransport(fields, options),
    networkMapping: readMapping(options, 'network_mapping', problems),
    storageMapping: readMapping(options, 'storage_mapping', problems),
    format: options.read('disk_format', oneOf(DISK_FORMATS), 'qcow2'),
    isCompressed: options.optional('compress', flag) ?? fields.read('compress', flag, false),
    power: options.read('power', oneOf(POWER_POLICIES), 'require-off'),
    shutdownTimeoutMs: options.read(
      'shutdown_timeout',
      duration(SECOND_MS, HOUR_MS),
      5 * MINUTE_MS,
    ),
    parallelDisks:
      readFirst(options, ['parallel_disks', 'parallel_downloads'], whole(1, MOST_DISKS_AT_ONCE)) ??
      DEFAULT_DISKS_AT_ONCE,
    bandwidthLimit: options.optional('bandwidth_limit', bandwidth),
    verifies: options.read('verify', flag, true),
    targetName: options.optional('target_name', targetName),
    prepare: options.read('prepare', oneOf(PREPARE_POLICIES), 'auto'),
    mac: options.read('mac', oneOf(['keep', 'new']), 'keep'),
    starts: options.read('start', flag, true),
    bootTimeoutMs: bootTimeoutMs === 0 ? undefined : bootTimeoutMs,
    removesCdroms: options.read('remove_cdrom', flag, false),
    isDryRun: options.read('dry_run', flag, false),
  };
}

function readTransport(fields: FieldReader, options: FieldReader): Transport | 'auto' {
  const method =
    options.optional('conversion_method', oneOf(METHODS)) ??
    readFirst(fields, ['export_method', 'method'], oneOf(METHODS)) ??
    'auto';
  switch (method) {
    // What the program before this one called its way through a lease.
    case 'web':
      return 'nfc';
    case 'govc':
    case 'ovftool':
    case 'ctl':
      return 'auto';
    default:
      return method;
  }
}

function readMapping(
  options: FieldReader,
  name: string,
  problems: Problems,
): Readonly<Record<string, string>> {
  const raw = options.raw(name) ?? {};
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    options.refuse(name, 'must be a map from names at the source to names at the target');
    return {};
  }
  const entries = Object.entries(raw);
  if (entries.length > MOST_MAPPINGS) {
    options.refuse(name, `must hold at most ${MOST_MAPPINGS} names`);
    return {};
  }
  const texts = entries.map(([from, to]): [string, string] => [
    from,
    readValue(to, `${options.path(name)}.${from.slice(0, 60)}`, { kind: shortText, problems }) ??
      '',
  ]);
  return Object.fromEntries(texts);
}
