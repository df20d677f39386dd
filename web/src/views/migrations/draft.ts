/** The form of a new migration, and the requests that it comes to. */
import { parseLimit } from './bandwidth.ts';
import { SYSTEM_TRUST, loginToJson, trustToJson, type TrustForm } from './login.ts';
import type { Source } from './source.ts';
import type { SourceVm } from './wire.ts';

export const TARGET_TYPES = ['kvm', 'drover', 'file'] as const;
export type TargetType = (typeof TARGET_TYPES)[number];

type Names = Readonly<Record<string, string>>;

/** As it is typed. */
export interface Draft extends TrustForm {
  readonly type: TargetType;
  readonly uri: string;
  readonly store: 'pool' | 'directory';
  readonly pool: string;
  readonly directory: string;
  readonly customer: string;
  readonly url: string;
  readonly token: string;
  readonly networks: Names;
  /** By datastore, or by the label of a disk. */
  readonly storages: Names;
  readonly power: 'require-off' | 'shutdown' | 'power-off';
  /** Seconds. */
  readonly shutdown: string;
  readonly format: 'qcow2' | 'raw';
  readonly compress: boolean;
  /** MiB a second. */
  readonly bandwidth: string;
  readonly start: boolean;
  /** Seconds. */
  readonly boot: string;
  readonly ready: string;
  readonly verify: boolean;
  readonly prepare: 'auto' | 'never';
  readonly mac: 'keep' | 'new';
  readonly method: 'auto' | 'datastore' | 'nfc' | 'vddk' | 'file';
  readonly parallel: string;
  readonly name: string;
  readonly cdrom: boolean;
  readonly priority: string;
  /** Empty: as often as the server has it. */
  readonly attempts: string;
}

export const EMPTY_DRAFT: Draft = {
  ...{ type: 'kvm', uri: 'qemu:///system', store: 'pool', pool: '', directory: '' },
  ...{ customer: '', url: '', token: '', ...SYSTEM_TRUST, networks: {}, storages: {} },
  ...{ power: 'require-off', shutdown: '300', format: 'qcow2', compress: false },
  ...{ bandwidth: '', start: true, boot: '0', ready: '', verify: true, prepare: 'auto' },
  ...{ mac: 'keep', method: 'auto', parallel: '2', name: '', cdrom: false },
  ...{ priority: '0', attempts: '' },
};

/** One for each VM. What is typed wrong goes as it is: the server says what would be right. */
export function toRequests(
  source: Source,
  vms: readonly SourceVm[],
  draft: Draft,
): readonly object[] {
  const { priority, attempts } = draft;
  const shared = {
    destination: destinationOf(draft),
    options: optionsOf(draft, source),
    ...(Number(priority) !== 0 && { priority: Number(priority) }),
    ...(attempts.trim() !== '' && { max_attempts: Number(attempts) }),
  };
  return vms.map((vm) => ({ name: vm.name, ...placeOf(source, vm), ...shared }));
}

function placeOf(source: Source, { path, ref }: SourceVm): object {
  switch (source.kind) {
    case 'connection':
      return { vm_path: path, source: { type: 'vsphere', connection: source.name } };
    case 'address':
      return { vm_path: path, source: { type: 'vsphere', ...loginToJson(source.login) } };
    case 'file': {
      // The path ends in what the VM is called in its folder.
      const folder = path.endsWith(`/${ref}`) ? path.slice(0, -ref.length - 1) : path;
      return { vm_path: ref, source: { type: 'file', path: folder } };
    }
  }
}

function destinationOf(draft: Draft): object {
  const { type, uri, store, pool, directory, customer, url, token } = draft;
  const ready = waitsForBoot(draft) ? given('ready_text', draft.ready) : {};
  switch (type) {
    case 'kvm':
      return {
        ...{ type, libvirt_uri: uri, ...ready },
        ...(store === 'pool' ? given('pool', pool) : given('directory', directory)),
      };
    case 'drover':
      return {
        ...{ type, customer_id: customer, ...ready, ...given('url', url) },
        ...(url.trim() !== '' && { ...given('token', token), ...trustToJson(draft) }),
      };
    case 'file':
      return { type, directory };
  }
}

/** A folder starts nothing. */
export function waitsForBoot({ type, start, boot }: Draft): boolean {
  return type !== 'file' && start && Number(boot) !== 0;
}

/** Files are read in one way, and nothing else is. */
export function fitsSource(method: Draft['method'], kind: Source['kind']): boolean {
  return method === 'auto' || (method === 'file') === (kind === 'file');
}

function optionsOf(draft: Draft, source: Source): object {
  const { networks, storages, power, shutdown, format, compress, bandwidth, start } = draft;
  const { boot, verify, prepare, mac, method, parallel, name, cdrom } = draft;
  return {
    ...mapping('network_mapping', networks),
    ...(draft.type === 'kvm' && mapping('storage_mapping', storages)),
    ...{ power, disk_format: format, start, verify, prepare, mac },
    compress: compress && format !== 'raw',
    ...(power === 'shutdown' && { shutdown_timeout: Number(shutdown) }),
    conversion_method: fitsSource(method, source.kind) ? method : 'auto',
    ...{ boot_timeout: start ? Number(boot) : 0 },
    parallel_disks: Number(parallel),
    // Nothing that could be a limit is refused by its name.
    bandwidth_limit: parseLimit(bandwidth) ?? (bandwidth.trim() === '' ? null : bandwidth),
    ...(cdrom && source.kind !== 'file' && { remove_cdrom: true }),
    ...given('target_name', name),
  };
}

function mapping(option: string, names: Names): object {
  const mapped = Object.entries(names).filter(([, to]) => to.trim() !== '');
  return mapped.length === 0 ? {} : { [option]: Object.fromEntries(mapped) };
}

function given(name: string, text: string): object {
  return text.trim() === '' ? {} : { [name]: text.trim() };
}
