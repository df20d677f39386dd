/** The virtual hardware of a VM: from vSphere's list of devices to disks, NICs and drives. */
import type { XmlElement } from '#kernel/xml.ts';
import type { DiskBus, SourceNic, SourceVmDisk } from '#transfers/source-vm.ts';
import { readNumber, typeOf } from './managed-object.ts';

interface ControllerClass {
  readonly bus: DiskBus;
  readonly name: string;
}

const CONTROLLERS: Readonly<Record<string, ControllerClass>> = {
  VirtualLsiLogicController: { bus: 'scsi', name: 'lsilogic' },
  VirtualLsiLogicSASController: { bus: 'scsi', name: 'lsisas1068' },
  VirtualBusLogicController: { bus: 'scsi', name: 'buslogic' },
  ParaVirtualSCSIController: { bus: 'scsi', name: 'pvscsi' },
  VirtualAHCIController: { bus: 'sata', name: 'ahci' },
  VirtualSATAController: { bus: 'sata', name: 'ahci' },
  VirtualIDEController: { bus: 'ide', name: 'ide' },
  VirtualNVMEController: { bus: 'nvme', name: 'nvme' },
};

const NIC_MODELS: Readonly<Record<string, string>> = {
  VirtualE1000: 'e1000',
  VirtualE1000e: 'e1000e',
  VirtualVmxnet: 'vmxnet',
  VirtualVmxnet2: 'vmxnet2',
  VirtualVmxnet3: 'vmxnet3',
  VirtualVmxnet3Vrdma: 'vmxnet3',
  VirtualPCNet32: 'pcnet32',
  VirtualSriovEthernetCard: 'sriov',
};

/** Room for the units of one bus, so that positions on different buses do not meet. */
const UNITS_PER_BUS = 100;

export function readDisks(devices: readonly XmlElement[]): readonly SourceVmDisk[] {
  const controllers = new Map(devices.map((device) => [device.textOf('key') ?? '', device]));
  const disks = devices
    .filter((device) => typeOf(device) === 'VirtualDisk')
    .map((device) => {
      const controllerKey = device.textOf('controllerKey') ?? '';
      const order = readNumber(controllerKey) ?? 0;
      return { order, disk: readDisk(device, controllers.get(controllerKey)) };
    });
  // Controllers are numbered by kind, then in the order in which a guest finds them.
  disks.sort((a, b) => a.order - b.order || a.disk.position - b.disk.position);
  return disks.map(({ disk }) => disk);
}

function readDisk(device: XmlElement, controller: XmlElement | undefined): SourceVmDisk {
  const backing = device.child('backing');
  const kind = (backing === undefined ? undefined : typeOf(backing)) ?? '';
  const path = backing?.textOf('fileName') ?? backing?.textOf('deviceName') ?? '';
  const { bus, name } = controllerClass(controller);
  const thin = backing?.textOf('thinProvisioned');
  const sharing = backing?.textOf('sharing') ?? 'sharingNone';
  const sharedBus = controller?.textOf('sharedBus') ?? 'noSharing';
  return {
    key: device.textOf('key') ?? '',
    label: labelOf(device),
    capacityBytes: capacityOf(device),
    path,
    datastore: /^\[([^\]]+)\]/.exec(path)?.[1],
    bus,
    controller: name,
    position: positionOf(device, controller),
    isThin: thin === undefined ? undefined : thin === 'true',
    isRawDevice: /RawDisk/.test(kind),
    isIndependent: (backing?.textOf('diskMode') ?? '').startsWith('independent'),
    isShared: sharing !== 'sharingNone' || sharedBus !== 'noSharing',
    isEncrypted: backing?.child('keyId') !== undefined,
    changeId: backing?.textOf('changeId') || undefined,
  };
}

function controllerClass(controller: XmlElement | undefined): ControllerClass {
  const type = (controller === undefined ? undefined : typeOf(controller)) ?? '';
  // One that is newer than this list is SCSI as far as anybody can tell.
  return CONTROLLERS[type] ?? { bus: 'scsi', name: type.toLowerCase() || 'unknown' };
}

function positionOf(device: XmlElement, controller: XmlElement | undefined): number {
  const bus = readNumber(controller?.textOf('busNumber')) ?? 0;
  return bus * UNITS_PER_BUS + (readNumber(device.textOf('unitNumber')) ?? 0);
}

/**
 * Where leases say that a disk is: `/vm-42/ParaVirtualSCSIController0:1`. Undefined when the text
 * is no such place.
 */
export function readLeasePlace(
  key: string,
): { readonly controller: string; readonly position: number } | undefined {
  const [, type = '', bus, unit] = /([A-Za-z]+)(\d{1,4}):(\d{1,4})$/.exec(key) ?? [];
  const known = CONTROLLERS[type];
  if (known === undefined) return undefined;
  return { controller: known.name, position: Number(bus) * UNITS_PER_BUS + Number(unit) };
}

function capacityOf(device: XmlElement): number {
  const bytes = readNumber(device.textOf('capacityInBytes'));
  return bytes ?? (readNumber(device.textOf('capacityInKB')) ?? 0) * 1024;
}

/** A NIC whose network is still to be named. */
export interface FoundNic extends Omit<SourceNic, 'network'> {
  readonly network: NicNetwork;
}

export type NicNetwork =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'port-group'; readonly key: string; readonly otherwise: string }
  | { readonly kind: 'opaque'; readonly key: string; readonly otherwise: string };

export function readNics(devices: readonly XmlElement[]): readonly FoundNic[] {
  return devices.flatMap((device) => {
    const type = typeOf(device) ?? '';
    const mac = device.textOf('macAddress');
    // Cards newer than the list are known by the address that only cards have.
    if (mac === undefined && NIC_MODELS[type] === undefined) return [];
    return [
      {
        key: device.textOf('key') ?? '',
        label: labelOf(device),
        mac: (mac ?? '').toLowerCase(),
        network: readNicNetwork(device),
        model: NIC_MODELS[type] ?? type.replace(/^Virtual/, '').toLowerCase(),
        isConnected: device.child('connectable')?.textOf('startConnected') !== 'false',
      },
    ];
  });
}

function readNicNetwork(device: XmlElement): NicNetwork {
  const backing = device.child('backing');
  const otherwise = device.child('deviceInfo')?.textOf('summary') ?? '';
  const portGroup = backing?.child('port')?.textOf('portgroupKey');
  if (portGroup !== undefined) return { kind: 'port-group', key: portGroup, otherwise };
  const opaque = backing?.textOf('opaqueNetworkId');
  if (opaque !== undefined) return { kind: 'opaque', key: opaque, otherwise };
  return { kind: 'named', name: backing?.textOf('deviceName') ?? otherwise };
}

export interface FoundDrive {
  readonly key: string;
  readonly label: string;
}

export function readCdroms(devices: readonly XmlElement[]): readonly FoundDrive[] {
  return devices
    .filter((device) => typeOf(device) === 'VirtualCdrom')
    .map((device) => ({ key: device.textOf('key') ?? '', label: labelOf(device) }));
}

export function hasTpm(devices: readonly XmlElement[]): boolean {
  return devices.some((device) => typeOf(device) === 'VirtualTPM');
}

function labelOf(device: XmlElement): string {
  const label = device.child('deviceInfo')?.textOf('label');
  return label || `device ${device.textOf('key') ?? ''}`;
}
