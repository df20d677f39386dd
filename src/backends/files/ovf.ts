/**
 * The description of a VM that an OVF is. It may come from anywhere: it is read with limits, the
 * files it names are plain names beside it, and what it says of the size of a disk is a wish.
 */
import { parseXml, type XmlElement } from '#kernel/xml.ts';
import { MIB } from '#kernel/units.ts';
import type { DiskBus } from '#transfers/source-vm.ts';
import { readHardware, type Hardware } from './ovf-hardware.ts';
import { attributeOf, ovfCount, plainText, unitBytes } from './ovf-values.ts';
import { unreadablePackage } from './package-error.ts';

export const MOST_OVF_BYTES = 2 * MIB;
const LIMITS = { bytes: MOST_OVF_BYTES, elements: 20_000, depth: 50, attributes: 64 } as const;
const MOST_SYSTEMS = 100;
const MOST_NAME_CHARACTERS = 255;

export interface ImageDisk {
  readonly label: string;
  /** Of the image, beside the description. */
  readonly fileName: string;
  /** At least as much; undefined: as the image says. */
  readonly declaredBytes: number | undefined;
  readonly bus: DiskBus;
  readonly controller: string;
  readonly position: number;
}

/** One VM of a package. */
export interface PackagedVm extends Omit<Hardware, 'disks'> {
  readonly id: string;
  readonly name: string | undefined;
  readonly guestId: string | undefined;
  readonly guestOs: string | undefined;
  readonly disks: readonly ImageDisk[];
}

export function parseOvf(bytes: Uint8Array): readonly PackagedVm[] {
  const envelope = parseXml(bytes, LIMITS);
  if (envelope.name !== 'Envelope' || !envelope.namespace.includes('/ovf/envelope/')) {
    throw unreadablePackage('it is no OVF of version 1 or 2');
  }
  const found = findSystems(envelope);
  if (found.length === 0) throw unreadablePackage('it describes no VM');
  if (found.length > MOST_SYSTEMS) throw unreadablePackage(`it has over ${MOST_SYSTEMS} VMs`);
  const images = readImages(envelope);
  const configuration = defaultConfiguration(envelope);
  return found.map((system, index) => readSystem(system, { index, images, configuration }));
}

/** Those of collections as well, at any depth that the reader of the XML allows. */
function findSystems(parent: XmlElement): readonly XmlElement[] {
  return parent.children.flatMap((child) => {
    if (child.name === 'VirtualSystem') return [child];
    return child.name === 'VirtualSystemCollection' ? findSystems(child) : [];
  });
}

function defaultConfiguration(envelope: XmlElement): string | undefined {
  const all = envelope.child('DeploymentOptionSection')?.childrenNamed('Configuration') ?? [];
  const chosen = all.find((one) => attributeOf(one, 'default') === 'true') ?? all[0];
  return chosen && attributeOf(chosen, 'id');
}

interface Images {
  readonly files: ReadonlyMap<string, XmlElement>;
  readonly disks: ReadonlyMap<string, XmlElement>;
}

function readImages(envelope: XmlElement): Images {
  const byAttribute = (section: string, name: string, attribute: string) => {
    const elements = envelope.child(section)?.childrenNamed(name) ?? [];
    return new Map(elements.map((each) => [attributeOf(each, attribute) ?? '', each]));
  };
  return {
    files: byAttribute('References', 'File', 'id'),
    disks: byAttribute('DiskSection', 'Disk', 'diskId'),
  };
}

interface SystemParts {
  readonly index: number;
  readonly images: Images;
  readonly configuration: string | undefined;
}

function readSystem(system: XmlElement, { index, images, configuration }: SystemParts): PackagedVm {
  const os = system.child('OperatingSystemSection');
  const hardware = readHardware(system, configuration);
  return {
    ...hardware,
    id: plainText(attributeOf(system, 'id')) ?? `vm-${index + 1}`,
    name: plainText(system.textOf('Name')),
    guestId: os && plainText(attributeOf(os, 'osType')),
    guestOs: plainText(os?.textOf('Description')),
    disks: hardware.disks.map(({ resource, label, ...place }) => ({
      ...{ label, ...place },
      ...readImage(resource, label, images),
    })),
  };
}

/** `ovf:/disk/vmdisk1`, or `ovf:/file/file1`; some leave the `ovf:` out. */
function readImage(
  resource: string,
  label: string,
  { files, disks }: Images,
): Pick<ImageDisk, 'fileName' | 'declaredBytes'> {
  const [, kind, id = ''] = /^(?:ovf:)?\/(disk|file)\/(.{1,255})$/.exec(resource.trim()) ?? [];
  const disk = kind === 'disk' ? disks.get(id) : undefined;
  if (disk !== undefined && attributeOf(disk, 'parentRef') !== undefined) {
    throw unreadablePackage(`${label} holds only what changed since another disk`);
  }
  const file = files.get(kind === 'file' ? id : ((disk && attributeOf(disk, 'fileRef')) ?? ''));
  if (file === undefined) {
    throw unreadablePackage(
      `${label} comes without a file; take it out of the OVF, and add a new disk at the target`,
    );
  }
  return { fileName: readFileName(file), declaredBytes: disk && readCapacity(disk) };
}

function readFileName(file: XmlElement): string {
  const name = attributeOf(file, 'href') ?? '';
  const isPlain = /^[^/\\\p{Cc}]+$/u.test(name) && name !== '.' && name !== '..';
  if (!isPlain || name.length > MOST_NAME_CHARACTERS) {
    throw unreadablePackage('it names a file by more than a plain name; put all in one folder');
  }
  const compression = attributeOf(file, 'compression') ?? 'identity';
  if (compression !== 'identity' && compression !== '') {
    throw unreadablePackage(`its file ${name} is compressed as a whole; unpack it first`);
  }
  if (attributeOf(file, 'chunkSize') !== undefined) {
    throw unreadablePackage(`its file ${name} is cut into chunks; join them first`);
  }
  return name;
}

function readCapacity(disk: XmlElement): number | undefined {
  // A property in the place of the number is for whoever installs it to choose.
  const count = ovfCount(attributeOf(disk, 'capacity'));
  const unit = unitBytes(attributeOf(disk, 'capacityAllocationUnits') ?? 'byte');
  if (count === undefined || unit === undefined) return undefined;
  const bytes = Math.ceil((count * unit) / 512) * 512;
  return bytes > 0 && bytes <= 64 * 2 ** 40 ? bytes : undefined;
}
