/** The virtual hardware in an OVF: a list of items, of which each says by a number what it is. */
import type { XmlElement } from '#kernel/xml.ts';
import { MIB } from '#kernel/units.ts';
import type { DiskBus } from '#transfers/source-vm.ts';
import { attributeOf, ovfCount, plainText, unitBytes } from './ovf-values.ts';
import { unreadablePackage } from './package-error.ts';

export interface Hardware {
  readonly cpus: number | undefined;
  readonly coresPerSocket: number | undefined;
  readonly memoryMib: number | undefined;
  readonly firmware: 'bios' | 'efi';
  readonly isSecureBoot: boolean;
  readonly hasTpm: boolean;
  readonly disks: readonly DiskItem[];
  readonly nics: readonly NicItem[];
  /** By label. */
  readonly cdroms: readonly string[];
}

export interface DiskItem {
  readonly label: string;
  /** Names the disk, or its file. */
  readonly resource: string;
  readonly bus: DiskBus;
  readonly controller: string;
  readonly position: number;
}

export interface NicItem {
  readonly label: string;
  /** Undefined when whoever installs it is to make one. */
  readonly mac: string | undefined;
  readonly network: string;
  readonly model: string;
  readonly isConnected: boolean;
}

const ITEMS = ['Item', 'StorageItem', 'EthernetPortItem'];
const MOST_DISKS = 256;
const MOST_NICS = 64;
const MOST_CPUS = 4096;
const MOST_MEMORY_MIB = 2 ** 26;
/** Room for the units of one bus, so that positions on different buses do not meet. */
const UNITS_PER_BUS = 100;
/** Of the CIM schema that the numbers are from. */
const TYPES = {
  ...{ cpu: '3', memory: '4', ide: '5', scsi: '6', nic: '10', cdrom: '15', dvd: '16', disk: '17' },
  ...{ otherStorage: '20' },
} as const;

export function readHardware(system: XmlElement, configuration: string | undefined): Hardware {
  const section = system.child('VirtualHardwareSection');
  const items = readItems(section, configuration);
  const of = (...types: readonly string[]) => items.filter((item) => types.includes(typeOf(item)));
  const [disks, nics] = [of(TYPES.disk), of(TYPES.nic)];
  if (disks.length > MOST_DISKS) throw unreadablePackage(`a VM of it has over ${MOST_DISKS} disks`);
  if (nics.length > MOST_NICS) throw unreadablePackage(`a VM of it has over ${MOST_NICS} NICs`);
  const controllers = readControllers(of(TYPES.ide, TYPES.scsi, TYPES.otherStorage));
  const cpu = of(TYPES.cpu)[0];
  return {
    cpus: atMost(ovfCount(cpu?.textOf('VirtualQuantity')), MOST_CPUS),
    coresPerSocket: atMost(ovfCount(cpu?.textOf('CoresPerSocket')), MOST_CPUS),
    memoryMib: readMemory(of(TYPES.memory)[0]),
    ...readFirmware(system, section),
    hasTpm: items.some((item) => /vtpm|vmware\.tpm/i.test(item.textOf('ResourceSubType') ?? '')),
    disks: disks.map((item, index) => readDisk(item, index, controllers)),
    nics: nics.map(readNic),
    cdroms: of(TYPES.cdrom, TYPES.dvd).map((item) => labelOf(item, 'CD-ROM drive')),
  };
}

/** As the configuration has it that is chosen when nobody chooses: later items replace earlier. */
function readItems(
  section: XmlElement | undefined,
  configuration: string | undefined,
): readonly XmlElement[] {
  const items = new Map<string, XmlElement>();
  for (const [index, item] of (section?.children ?? []).entries()) {
    if (!ITEMS.includes(item.name)) continue;
    const only = attributeOf(item, 'configuration')?.split(/\s+/);
    if (only !== undefined && !only.includes(configuration ?? '')) continue;
    // It says how much there may be, and not how much there is.
    if (attributeOf(item, 'bound') !== undefined) continue;
    items.set(item.textOf('InstanceID') ?? `item ${index}`, item);
  }
  return [...items.values()];
}

function typeOf(item: XmlElement): string {
  return item.textOf('ResourceType')?.trim() ?? '';
}

function labelOf(item: XmlElement, otherwise: string): string {
  return plainText(item.textOf('ElementName')) ?? otherwise;
}

function atMost(count: number | undefined, most: number): number | undefined {
  return count !== undefined && count >= 1 && count <= most ? count : undefined;
}

function readMemory(item: XmlElement | undefined): number | undefined {
  const count = ovfCount(item?.textOf('VirtualQuantity'));
  const unit = unitBytes(item?.textOf('AllocationUnits') ?? 'MegaBytes');
  if (count === undefined || unit === undefined) return undefined;
  return atMost(Math.ceil((count * unit) / MIB), MOST_MEMORY_MIB);
}

function readFirmware(system: XmlElement, section: XmlElement | undefined) {
  const settings = new Map(
    (section?.children ?? [])
      .filter(({ name }) => name === 'Config' || name === 'ExtraConfig')
      .map((each) => [attributeOf(each, 'key'), attributeOf(each, 'value')?.toLowerCase()]),
  );
  // VirtualBox describes its machine once more, in its own words.
  const own = system.child('Machine')?.child('Hardware')?.child('Firmware');
  const isEfi = settings.get('firmware') === 'efi' || /^efi/i.test(own?.attribute('type') ?? '');
  const isSecure = settings.get('bootOptions.efiSecureBootEnabled') === 'true';
  return { firmware: isEfi ? 'efi' : 'bios', isSecureBoot: isEfi && isSecure } as const;
}

interface Controller {
  readonly bus: DiskBus;
  readonly name: string;
  /** Among those of its bus, in the order in which a guest finds them. */
  readonly index: number;
}

function readControllers(items: readonly XmlElement[]): ReadonlyMap<string, Controller> {
  const counts = { ide: 0, scsi: 0, sata: 0, nvme: 0 };
  return new Map(
    items.map((item) => {
      const model = (item.textOf('ResourceSubType') ?? '').trim().toLowerCase();
      const bus = busOf(typeOf(item), model);
      const index = counts[bus];
      counts[bus] += 1;
      return [item.textOf('InstanceID') ?? '', { bus, name: nameOf(bus, model), index }];
    }),
  );
}

function busOf(type: string, model: string): DiskBus {
  if (type === TYPES.ide) return 'ide';
  if (type === TYPES.scsi) return 'scsi';
  return model.includes('nvme') ? 'nvme' : 'sata';
}

function nameOf(bus: DiskBus, model: string): string {
  if (bus === 'scsi') {
    if (model === 'virtualscsi') return 'pvscsi';
    if (model === 'lsilogicsas') return 'lsisas1068';
    return plainText(model) ?? 'lsilogic';
  }
  return bus === 'sata' ? 'ahci' : bus;
}

function readDisk(
  item: XmlElement,
  index: number,
  controllers: ReadonlyMap<string, Controller>,
): DiskItem {
  const controller = controllers.get(item.textOf('Parent') ?? '');
  const unit = Math.min(ovfCount(item.textOf('AddressOnParent')) ?? index, UNITS_PER_BUS - 1);
  return {
    label: labelOf(item, `Hard disk ${index + 1}`),
    resource: item.textOf('HostResource') ?? '',
    bus: controller?.bus ?? 'sata',
    controller: controller?.name ?? 'ahci',
    position: (controller?.index ?? 0) * UNITS_PER_BUS + unit,
  };
}

function readNic(item: XmlElement, index: number): NicItem {
  const address = (item.textOf('Address') ?? '').trim().toLowerCase().replaceAll('-', ':');
  return {
    label: labelOf(item, `Network adapter ${index + 1}`),
    mac: /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(address) ? address : undefined,
    network: plainText(item.textOf('Connection')) ?? 'default',
    model: plainText(item.textOf('ResourceSubType'))?.toLowerCase() ?? 'unknown',
    isConnected: item.textOf('AutomaticAllocation')?.trim() !== 'false',
  };
}
