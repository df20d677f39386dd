/** The form of a new migration, and the requests that it comes to. */
import { parseLimit } from './bandwidth.ts';
import type { SourceVm } from './wire.ts';

export type TargetType = 'kvm' | 'drover' | 'file';

/** As it is typed. */
export interface Draft {
  readonly type: TargetType;
  readonly uri: string;
  readonly store: 'pool' | 'directory';
  readonly pool: string;
  readonly directory: string;
  readonly customer: string;
  readonly url: string;
  readonly token: string;
  readonly thumbprint: string;
  readonly networks: Readonly<Record<string, string>>;
  readonly power: 'require-off' | 'shutdown' | 'power-off';
  readonly format: 'qcow2' | 'raw';
  readonly compress: boolean;
  /** MiB a second. */
  readonly bandwidth: string;
  readonly start: boolean;
  /** Seconds. */
  readonly boot: string;
  readonly verify: boolean;
  readonly prepare: 'auto' | 'never';
  readonly mac: 'keep' | 'new';
  readonly method: 'auto' | 'datastore' | 'nfc' | 'vddk' | 'file';
  readonly parallel: string;
  readonly name: string;
}

export const EMPTY_DRAFT: Draft = {
  ...{ type: 'kvm', uri: 'qemu:///system', store: 'pool', pool: '', directory: '' },
  ...{ customer: '', url: '', token: '', thumbprint: '', networks: {} },
  ...{ power: 'require-off', format: 'qcow2', compress: false, bandwidth: '', start: true },
  ...{ boot: '0', verify: true, prepare: 'auto', mac: 'keep', method: 'auto', parallel: '2' },
  name: '',
};

/** `file`, or `connection:lab`. */
export type SourceChoice = string;

const CONNECTION = 'connection:';

export function connectionOf(choice: SourceChoice): string | undefined {
  return choice.startsWith(CONNECTION) ? choice.slice(CONNECTION.length) : undefined;
}

export function choiceOf(connection: string): SourceChoice {
  return CONNECTION + connection;
}

/** How a source is named where VMs are looked for. */
export function listRequest(choice: SourceChoice): object {
  const connection = connectionOf(choice);
  return connection === undefined ? { source: { type: 'file' } } : { connection };
}

/** One for each VM. What is typed wrong goes as it is: the server says what would be right. */
export function toRequests(
  choice: SourceChoice,
  vms: readonly SourceVm[],
  draft: Draft,
): readonly object[] {
  const destination = destinationOf(draft);
  const options = optionsOf(draft);
  return vms.map((vm) => ({
    name: vm.name,
    ...placeOf(choice, vm),
    ...{ destination, options },
  }));
}

function placeOf(choice: SourceChoice, { path, ref }: SourceVm): object {
  const connection = connectionOf(choice);
  if (connection !== undefined) return { vm_path: path, source: { type: 'vsphere', connection } };
  // The path ends in what the VM is called in its folder.
  const folder = path.endsWith(`/${ref}`) ? path.slice(0, -ref.length - 1) : path;
  return { vm_path: ref, source: { type: 'file', path: folder } };
}

function destinationOf(draft: Draft): object {
  const { type, uri, store, pool, directory, customer, url, token, thumbprint } = draft;
  switch (type) {
    case 'kvm':
      return {
        ...{ type, libvirt_uri: uri },
        ...(store === 'pool' ? given('pool', pool) : given('directory', directory)),
      };
    case 'drover':
      return {
        ...{ type, customer_id: customer, ...given('url', url) },
        ...(url.trim() !== '' && { ...given('token', token), ...given('thumbprint', thumbprint) }),
      };
    case 'file':
      return { type, directory };
  }
}

function optionsOf(draft: Draft): object {
  const { networks, power, format, compress, bandwidth, start, boot, verify } = draft;
  const { prepare, mac, method, parallel, name } = draft;
  const mapped = Object.entries(networks).filter(([, to]) => to.trim() !== '');
  return {
    ...(mapped.length > 0 && { network_mapping: Object.fromEntries(mapped) }),
    ...{ power, disk_format: format, compress, start, verify, prepare, mac },
    ...{ conversion_method: method, boot_timeout: Number(boot), parallel_disks: Number(parallel) },
    // Nothing that could be a limit is refused by its name.
    bandwidth_limit: parseLimit(bandwidth) ?? (bandwidth.trim() === '' ? null : bandwidth),
    ...given('target_name', name),
  };
}

function given(name: string, text: string): object {
  return text.trim() === '' ? {} : { [name]: text.trim() };
}
