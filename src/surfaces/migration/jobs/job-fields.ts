/** What a request for a job may hold, for telling of names that were nearly right. */
import type { KnownNames } from '#surfaces/migration/near-misses.ts';
import { DESTINATION_FIELDS } from '#transfers/parse-destination.ts';
import { FORMER_JOB_FIELDS, JOB_FIELDS as FIELDS } from '#transfers/parse-migration.ts';
import { OPTION_FIELDS } from '#transfers/parse-options.ts';
import { SOURCE_FIELDS } from '#transfers/parse-source.ts';

const names = (...all: readonly string[]): KnownNames =>
  Object.fromEntries(all.map((name) => [name, true]));

export const JOB_FIELDS: KnownNames = {
  ...names(...FIELDS, ...FORMER_JOB_FIELDS),
  // Of the original program, without a meaning here.
  ...names('format', 'thin', 'created_at'),
  vcenter: names(...SOURCE_FIELDS),
  source: names(...SOURCE_FIELDS),
  destination: names(...DESTINATION_FIELDS),
  options: names(
    ...OPTION_FIELDS,
    ...['show_individual_progress', 'enable_pipeline', 'compress_level', 'hyper2kvm_path'],
    ...['libvirt_integration', 'libvirt_uri', 'libvirt_autostart', 'libvirt_bridge'],
    'libvirt_pool',
  ),
};
