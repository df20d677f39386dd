/**
 * What the VM will be at the target. It gets the controllers and NICs that its guest has drivers
 * for already: virtio only where somebody has seen to it that the guest can use it.
 */
import { createHash } from 'node:crypto';
import type { MigrationSpec } from './migration-spec.ts';
import type { DiskBus, SourceNic, SourceVm, SourceVmDisk } from './source-vm.ts';
import type { TargetDisk, TargetNic, TargetVm } from './target.ts';

const LONGEST_NAME = 64;

export interface PlanOptions {
  readonly owner: string;
  /** Whether virtio drivers are in the guest. */
  readonly hasVirtio: boolean;
}

export function planTarget(
  vm: SourceVm,
  { options }: MigrationSpec,
  { owner, hasVirtio }: PlanOptions,
): TargetVm {
  const disks = vm.disks.toSorted(byBootOrder);
  return {
    name: options.targetName ?? toTargetName(vm.name),
    owner,
    uuid: vm.uuid,
    cpus: vm.cpus ?? 1,
    coresPerSocket: vm.coresPerSocket,
    memoryMib: vm.memoryMib ?? 1024,
    ...{ firmware: vm.firmware, isSecureBoot: vm.isSecureBoot, hasTpm: vm.hasTpm },
    disks: disks.map((disk): TargetDisk => ({
      key: disk.key,
      capacityBytes: disk.capacityBytes,
      format: options.format,
      bus: hasVirtio ? 'virtio' : familiarBus(disk),
      storage: storageOf(disk, options.storageMapping),
    })),
    nics: vm.nics.map((nic) => planNic(nic, { options, owner, hasVirtio })),
    ...{ guestId: vm.guestId, origin: vm.path },
  };
}

/** The networks of the source that the mapping says nothing about. */
export function unmappedNetworks(vm: SourceVm, { options }: MigrationSpec): readonly string[] {
  const names = vm.nics.map(({ network }) => network);
  return [...new Set(names)].filter((name) => !Object.hasOwn(options.networkMapping, name));
}

/** VMware's own controllers have no driver anywhere else; every system can read SATA. */
function familiarBus({ bus }: SourceVmDisk): DiskBus {
  return bus === 'ide' || bus === 'nvme' ? bus : 'sata';
}

function storageOf({ label, datastore }: SourceVmDisk, mapping: Mapping): string | undefined {
  return mapped(mapping, label) ?? mapped(mapping, datastore ?? '');
}

type Mapping = Readonly<Record<string, string>>;

/** Names come from outside: one may be that of a method which every object has. */
function mapped(mapping: Mapping, name: string): string | undefined {
  return Object.hasOwn(mapping, name) ? mapping[name] : undefined;
}

function planNic(
  nic: SourceNic,
  { options, owner, hasVirtio }: Pick<MigrationSpec, 'options'> & PlanOptions,
): TargetNic {
  return {
    mac: options.mac === 'keep' ? nic.mac : newMac(owner, nic.key),
    network: mapped(options.networkMapping, nic.network) ?? nic.network,
    model: hasVirtio ? 'virtio' : 'e1000e',
    isConnected: nic.isConnected,
  };
}

/** The same for each attempt of a job: what was defined once stays as it is. */
function newMac(owner: string, key: string): string {
  const bytes = createHash('sha256').update(`${owner} ${key}`).digest().subarray(0, 3);
  const tail = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  return ['52', '54', '00', ...tail].join(':');
}

const BUS_ORDER: readonly DiskBus[] = ['ide', 'scsi', 'sata', 'nvme'];

/** Firmware looks at the first disk of the first controller; so do guests for their names. */
function byBootOrder(one: SourceVmDisk, other: SourceVmDisk): number {
  const byBus = BUS_ORDER.indexOf(one.bus) - BUS_ORDER.indexOf(other.bus);
  return byBus === 0 ? one.position - other.position : byBus;
}

function toTargetName(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return plain.slice(0, LONGEST_NAME) || 'vm';
}
