/** The virtual devices of a VM that is to be created, as the XML of its specification. */
import type { FixtureDisk, FixtureNic, FixtureVm } from './fixture-vm.ts';
import { escapeXml } from './xml-element.ts';

export type Controller = NonNullable<FixtureDisk['controller']>;

interface ControllerKind {
  readonly type: string;
  readonly key: number;
  readonly label: string;
  /** Of its first disk. */
  readonly diskKey: number;
}

const SCSI = { key: 1000, label: 'SCSI controller 0', diskKey: 2000 };
const CONTROLLERS: Readonly<Record<Controller, ControllerKind>> = {
  pvscsi: { type: 'ParaVirtualSCSIController', ...SCSI },
  lsilogic: { type: 'VirtualLsiLogicController', ...SCSI },
  'lsilogic-sas': { type: 'VirtualLsiLogicSASController', ...SCSI },
  buslogic: { type: 'VirtualBusLogicController', ...SCSI },
  sata: { type: 'VirtualAHCIController', key: 15_000, label: 'SATA controller 0', diskKey: 16_000 },
  nvme: { type: 'VirtualNVMEController', key: 31_000, label: 'NVME controller 0', diskKey: 32_000 },
  // One that every VM has.
  ide: { type: 'VirtualIDEController', key: 200, label: 'IDE 0', diskKey: 3000 },
};
const SECOND_IDE_KEY = 201;
const RESERVED_SCSI_UNIT = 7;

const NICS: Readonly<Record<NonNullable<FixtureNic['model']>, string>> = {
  e1000: 'VirtualE1000',
  e1000e: 'VirtualE1000e',
  vmxnet3: 'VirtualVmxnet3',
};

export interface PlacedDisk {
  readonly disk: FixtureDisk;
  readonly label: string;
  /** `[LocalDS_0] web/web.vmdk`. */
  readonly path: string;
  readonly capacityBytes: number;
  readonly key: number;
  readonly unit: number;
  readonly controller: ControllerKind;
}

/** Gives disks their keys and units, in their order, all of a VM's on one controller a kind. */
export function placeDisks(
  disks: readonly Pick<PlacedDisk, 'disk' | 'path' | 'capacityBytes'>[],
): PlacedDisk[] {
  const next = new Map<number, number>();
  return disks.map((found, index) => {
    const kind = found.disk.controller ?? 'pvscsi';
    const controller = CONTROLLERS[kind];
    let unit = next.get(controller.key) ?? 0;
    if (controller.key === SCSI.key && unit === RESERVED_SCSI_UNIT) unit += 1;
    next.set(controller.key, unit + 1);
    const label = found.disk.label ?? `Hard disk ${index + 1}`;
    return { ...found, label, controller, unit, key: controller.diskKey + unit };
  });
}

/** The name by which a lease knows a disk of the VM. */
export function leaseKeyOf(vmId: string, { controller, unit }: PlacedDisk): string {
  return `/${vmId}/${controller.type}0:${unit}`;
}

export function devicesXml(
  vm: FixtureVm,
  disks: readonly PlacedDisk[],
  networkBacking: (nic: FixtureNic) => string,
): string {
  const controllers = new Map(disks.map(({ controller }) => [controller.key, controller]));
  return [
    ...[...controllers.values()].map((controller) => controllerXml(controller)),
    ...disks.map((disk) => diskXml(disk)),
    ...Array.from({ length: vm.cdroms ?? 0 }, (_, index) => cdromXml(index)),
    ...(vm.nics ?? []).map((nic, index) => nicXml(nic, index, networkBacking(nic))),
    vm.hasTpm === true ? added('VirtualTPM', 11_000, 'Virtual TPM', '') : '',
  ].join('');
}

function controllerXml({ type, key, label }: ControllerKind): string {
  if (key === CONTROLLERS.ide.key) return '';
  const shared = key === SCSI.key ? '<sharedBus>noSharing</sharedBus>' : '';
  const place = `<controllerKey>100</controllerKey><busNumber>0</busNumber>${shared}`;
  return added(type, key, label, place);
}

function diskXml({ disk, label, path, capacityBytes, key, unit, controller }: PlacedDisk): string {
  const optional = (name: string, text: string | undefined) =>
    text === undefined ? '' : `<${name}>${text}</${name}>`;
  const keyId = '<keyId>disk-key</keyId><providerId><id>kms</id></providerId>';
  const backing =
    `<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${escapeXml(path)}</fileName>` +
    `<diskMode>${disk.mode ?? 'persistent'}</diskMode>` +
    `<thinProvisioned>${disk.isThin ?? true}</thinProvisioned>` +
    optional('changeId', disk.changeId) +
    optional('keyId', disk.isEncrypted === true ? keyId : undefined) +
    optional('sharing', disk.isShared === true ? 'sharingMultiWriter' : 'sharingNone') +
    '</backing>';
  const place =
    `<controllerKey>${controller.key}</controllerKey><unitNumber>${unit}</unitNumber>` +
    `<capacityInKB>${capacityBytes / 1024}</capacityInKB>` +
    `<capacityInBytes>${capacityBytes}</capacityInBytes>`;
  return added('VirtualDisk', key, label, backing + place);
}

function cdromXml(index: number): string {
  const backing =
    '<backing xsi:type="VirtualCdromIsoBackingInfo">' +
    `<fileName>[LocalDS_0] iso/disc-${index}.iso</fileName></backing>`;
  const place = `<controllerKey>${SECOND_IDE_KEY}</controllerKey><unitNumber>${index}</unitNumber>`;
  return added('VirtualCdrom', 3002 + index, `CD/DVD drive ${index + 1}`, backing + place);
}

function nicXml(nic: FixtureNic, index: number, backing: string): string {
  const isConnected = nic.isConnected ?? true;
  const mac =
    nic.mac === undefined
      ? ''
      : `<addressType>manual</addressType><macAddress>${nic.mac}</macAddress>`;
  return added(
    NICS[nic.model ?? 'vmxnet3'],
    4000 + index,
    `Network adapter ${index + 1}`,
    `${backing}<connectable><startConnected>${isConnected}</startConnected>` +
      `<allowGuestControl>true</allowGuestControl><connected>${isConnected}</connected>` +
      `</connectable><controllerKey>100</controllerKey><unitNumber>${7 + index}</unitNumber>${mac}`,
  );
}

function added(type: string, key: number, label: string, rest: string): string {
  const file = type === 'VirtualDisk' ? '<fileOperation>create</fileOperation>' : '';
  return (
    '<deviceChange xsi:type="VirtualDeviceConfigSpec"><operation>add</operation>' +
    `${file}<device xsi:type="${type}"><key>${key}</key>` +
    `<deviceInfo xsi:type="Description"><label>${escapeXml(label)}</label><summary/></deviceInfo>` +
    `${rest}</device></deviceChange>`
  );
}
