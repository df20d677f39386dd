/** What a request for a job may hold, for telling of names that were nearly right. */
import type { KnownNames } from '#surfaces/migration/near-misses.ts';

const names = (...all: readonly string[]): KnownNames =>
  Object.fromEntries(all.map((name) => [name, true]));

export const JOB_FIELDS: KnownNames = {
  ...names('id', 'name', 'vm_path', 'priority', 'max_attempts', 'batch_id', 'metadata'),
  // As clients of the original program write it.
  ...names('output_path', 'output_dir', 'vcenter_url', 'server', 'username', 'password'),
  ...names('insecure', 'thumbprint', 'ca', 'datacenter', 'connection', 'format', 'compress'),
  ...names('export_method', 'method', 'thin', 'created_at'),
  vcenter: names('server', 'vcenter_url', 'username', 'password', 'insecure', 'datacenter'),
  source: names(
    ...['type', 'connection', 'vcenter_url', 'server', 'url', 'username', 'password', 'path'],
    ...['datacenter', 'insecure', 'thumbprint', 'ca'],
  ),
  destination: names(
    ...['type', 'libvirt_uri', 'pool', 'directory', 'path', 'customer_id', 'ready_text'],
  ),
  options: names(
    ...['conversion_method', 'network_mapping', 'storage_mapping', 'disk_format', 'compress'],
    ...['power', 'shutdown_timeout', 'parallel_disks', 'parallel_downloads', 'verify'],
    ...['target_name', 'prepare', 'mac', 'start', 'boot_timeout', 'remove_cdrom', 'dry_run'],
    ...['bandwidth_limit', 'show_individual_progress', 'enable_pipeline', 'compress_level'],
    ...['hyper2kvm_path', 'libvirt_integration', 'libvirt_uri', 'libvirt_autostart'],
    ...['libvirt_bridge', 'libvirt_pool'],
  ),
};
