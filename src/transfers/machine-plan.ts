/** From a VM as it is to be at a Drover, this or another, to a machine's specification. */
import { createHash } from 'node:crypto';
import { isMachineId, type CustomerId, type MachineId } from '#kernel/ids.ts';
import type { DiskBus, DiskSpec, MachineSpec, NicSpec } from '#machines/machine-spec.ts';
import type { TargetDisk, TargetNic, TargetVm } from './target.ts';

/** What a machine says of itself; by this the job knows its own. */
export const JOB_KEY = 'migration.job';
const LONGEST_VALUE = 1024;

/** The same for each attempt of a job. */
export function machineIdOf({ owner }: Pick<TargetVm, 'owner'>): MachineId {
  const id = `vm_${createHash('sha256').update(`migration ${owner}`).digest('hex').slice(0, 16)}`;
  if (!isMachineId(id)) throw new Error(`${id} is no id of a machine`);
  return id;
}

/** Below an image directory. */
export function folderOf(customerId: CustomerId, { owner }: Pick<TargetVm, 'owner'>): string {
  return `customers/${customerId}/migrated/${owner}`;
}

export function diskFile({ format }: Pick<TargetDisk, 'format'>, at: number): string {
  return `disk-${at}.${format}`;
}

/** A disk as the image catalog found it. */
export interface FoundDisk {
  readonly path: string;
  readonly givenPath: string;
  readonly sizeBytes: number;
}

export function toMachineSpec(
  vm: TargetVm,
  found: readonly FoundDisk[],
): Omit<MachineSpec, 'given'> {
  return {
    cpu: {
      ...{ vcpus: vm.cpus, maxVcpus: vm.cpus, template: undefined, features: {} },
      topology: topologyOf(vm),
    },
    memoryMib: vm.memoryMib,
    boot: {
      ...{ kind: 'firmware', machineType: 'q35' },
      firmware: vm.firmware === 'efi' ? 'uefi' : 'bios',
    },
    disks: vm.disks.flatMap((disk, at) => {
      const file = found[at];
      return file === undefined ? [] : [toDisk(disk, at, file)];
    }),
    nics: connectedNics(vm).map(toNic),
    console: { isEnabled: true, type: 'serial', outputFile: undefined },
    metadata: metadataOf(vm),
  };
}

/** Machines have no cable that could be pulled: a NIC that was unplugged is left out. */
export function connectedNics({ nics }: Pick<TargetVm, 'nics'>): readonly TargetNic[] {
  return nics.filter(({ isConnected }) => isConnected);
}

/** Guests count what they are licensed for in sockets, so they keep theirs. */
function topologyOf({ cpus, coresPerSocket = 1 }: TargetVm): MachineSpec['cpu']['topology'] {
  if (coresPerSocket < 1 || cpus % coresPerSocket !== 0) return undefined;
  return { sockets: cpus / coresPerSocket, coresPerSocket, threadsPerCore: 1 };
}

function toDisk(disk: TargetDisk, at: number, file: FoundDisk): DiskSpec {
  return {
    ...{ id: `disk-${at}`, ...file, format: disk.format, isReadOnly: false, isRoot: at === 0 },
    // There is one copy of the disk, and it is this machine's.
    writeMode: 'direct',
    bus: toBus(disk.bus),
  };
}

function toBus(bus: TargetDisk['bus']): DiskBus {
  switch (bus) {
    case 'virtio':
    case 'nvme':
    case 'sata':
      return bus;
    // q35 has no other controller for these.
    case 'ide':
    case 'scsi':
      return 'sata';
  }
}

function toNic({ mac, model }: TargetNic, at: number): NicSpec {
  return {
    ...{ id: `eth${at}`, mac: mac.toLowerCase(), isMacAuto: false, mode: 'dual-stack' },
    ...{ ipv4: undefined, ipv6: undefined, dnsServers: [] },
    ...{ rxLimit: undefined, txLimit: undefined },
    model: model === 'virtio' ? 'virtio' : 'e1000e',
  };
}

function metadataOf({ name, owner, origin, uuid }: TargetVm): Readonly<Record<string, string>> {
  return {
    name,
    [JOB_KEY]: owner,
    ...(origin !== undefined && { 'migration.source': origin.slice(0, LONGEST_VALUE) }),
    ...(uuid !== undefined && { 'migration.source_uuid': uuid.slice(0, LONGEST_VALUE) }),
  };
}
