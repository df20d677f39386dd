/** Everything that a migration has to know of one VM, in three calls. */
import { DroverError } from '#kernel/errors.ts';
import type { XmlElement } from '#kernel/xml.ts';
import type { SourceNic, SourceVm, SourceVmDisk } from '#transfers/source-vm.ts';
import { locateVm, readSummary, VM_SUMMARY_PATHS } from './inventory.ts';
import { decodeName, readReference, type ManagedObject } from './managed-object.ts';
import { retrieveOne, retrievePages, type PropertyBag } from './property-collector.ts';
import type { VSphereCaller, VSphereSession } from './session.ts';
import { readState, VM_STATE_PATHS } from './vm-state.ts';
import { hasTpm, readCdroms, readDisks, readNics, type NicNetwork } from './vm-devices.ts';

const DETAIL_PATHS: readonly string[] = [
  ...VM_SUMMARY_PATHS,
  'config.uuid',
  'config.guestId',
  'config.firmware',
  'config.bootOptions',
  'config.hardware.numCoresPerSocket',
  'config.hardware.device',
  'config.changeTrackingEnabled',
  'guest.toolsRunningStatus',
  'network',
  'snapshot',
  ...VM_STATE_PATHS,
];
const NETWORK_TYPES: readonly string[] = [
  'Network',
  'OpaqueNetwork',
  'DistributedVirtualPortgroup',
];
/** A list of snapshots is a tree; nobody has so many on one branch. */
const MOST_SNAPSHOTS = 10_000;

export async function readVm(
  session: VSphereSession,
  ref: ManagedObject,
  signal: AbortSignal,
): Promise<SourceVm> {
  return await session.withinOneLogin(async (caller) => {
    const vm = await retrieveOne(caller, ref, DETAIL_PATHS, signal);
    if (vm === undefined) throw vmGone(ref.id);
    const { path, datacenter } = await locateVm(caller, ref, signal);
    const names = await readNames(caller, vm, signal);
    return toSourceVm(vm, { path, datacenter, names });
  }, signal);
}

interface Found {
  readonly path: string;
  readonly datacenter: string | undefined;
  readonly names: Names;
}

function toSourceVm(vm: PropertyBag, { path, datacenter, names }: Found): SourceVm {
  const devices = vm.element('config.hardware.device')?.children ?? [];
  const boot = vm.element('config.bootOptions');
  const tools = vm.text('guest.toolsRunningStatus');
  const disks = readDisks(devices);
  const nics = readNics(devices).map((nic): SourceNic => ({
    ...nic,
    network: names.networkOf(nic.network),
  }));
  return {
    ...readSummary(vm, path, names),
    uuid: vm.text('config.uuid'),
    guestId: vm.text('config.guestId'),
    firmware: vm.text('config.firmware') === 'efi' ? 'efi' : 'bios',
    isSecureBoot: boot?.textOf('efiSecureBootEnabled') === 'true',
    hasTpm: hasTpm(devices),
    coresPerSocket: vm.number('config.hardware.numCoresPerSocket'),
    disks: bootDisksFirst(disks, boot),
    nics,
    cdroms: readCdroms(devices).map(({ label }) => label),
    snapshots: countSnapshots(vm.element('snapshot')),
    isTrackingChanges: vm.boolean('config.changeTrackingEnabled'),
    hasRunningTools: tools === undefined ? undefined : tools === 'guestToolsRunning',
    hostRef: vm.reference('runtime.host')?.id,
    state: readState(vm, disks),
    datacenter,
  };
}

/** A boot order that was set goes before the order of the buses. */
function bootDisksFirst(
  disks: readonly SourceVmDisk[],
  boot: XmlElement | undefined,
): readonly SourceVmDisk[] {
  const keys = (boot?.childrenNamed('bootOrder') ?? []).map((one) => one.textOf('deviceKey'));
  const first = keys.flatMap((key) => disks.filter((disk) => disk.key === key));
  return [...new Set([...first, ...disks])];
}

export function countSnapshots(info: XmlElement | undefined): number {
  let waiting = [...(info?.childrenNamed('rootSnapshotList') ?? [])];
  let count = 0;
  while (waiting.length > 0 && count < MOST_SNAPSHOTS) {
    count += waiting.length;
    waiting = waiting.flatMap((one) => one.childrenNamed('childSnapshotList'));
  }
  return count;
}

class Names {
  readonly #bags: readonly PropertyBag[];

  constructor(bags: readonly PropertyBag[]) {
    this.#bags = bags;
  }

  nameOf(object: ManagedObject | undefined): string | undefined {
    const name = this.#bags.find((bag) => bag.object.id === object?.id)?.text('name');
    return name === undefined ? undefined : decodeName(name);
  }

  networkOf(network: NicNetwork): string {
    switch (network.kind) {
      case 'named':
        return network.name;
      case 'port-group':
        return this.#networkWith('key', network.key) ?? (network.otherwise || network.key);
      case 'opaque':
        return (
          this.#networkWith('summary.opaqueNetworkId', network.key) ??
          (network.otherwise || network.key)
        );
    }
  }

  #networkWith(path: string, value: string): string | undefined {
    return this.nameOf(this.#bags.find((bag) => bag.text(path) === value)?.object);
  }
}

/** Of the host, and of the networks that the VM is on: NICs on port groups only have their keys. */
async function readNames(
  caller: VSphereCaller,
  vm: PropertyBag,
  signal: AbortSignal,
): Promise<Names> {
  const host = vm.reference('runtime.host');
  const networks = (vm.element('network')?.children ?? [])
    .map(readReference)
    .filter((one) => one !== undefined && NETWORK_TYPES.includes(one.type));
  const objects = [host, ...networks].filter((one) => one !== undefined);
  if (objects.length === 0) return new Names([]);
  const sets = [
    { type: 'HostSystem', paths: ['name'] },
    { type: 'Network', paths: ['name'] },
    { type: 'OpaqueNetwork', paths: ['name', 'summary.opaqueNetworkId'] },
    { type: 'DistributedVirtualPortgroup', paths: ['name', 'key'] },
  ];
  const selections = objects.map((object) => ({ object }));
  const used = sets.filter(({ type }) => objects.some((object) => object.type === type));
  const bags: PropertyBag[] = [];
  for await (const page of retrievePages(caller, selections, used, signal)) bags.push(...page);
  return new Names(bags);
}

export function vmGone(ref: string): DroverError {
  return new DroverError('not_found', `the VM ${ref} is not there any more`, {
    reason: 'SOURCE_VM_NOT_FOUND',
  });
}
