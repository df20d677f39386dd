/**
 * The text that says which extents make up a VMDK. It may come from anywhere, so the names in it
 * are plain names of files beside it, and what they hold adds up to one disk.
 */
import { damagedImage, unreadableImage } from '#disks/image-errors.ts';
import { MAX_CAPACITY_BYTES, SECTOR_BYTES } from './sparse-header.ts';

/** At the start of the text, whatever the case. */
const SIGNATURE = '# disk descriptorfile';
const MAX_EXTENTS = 4096;
const MAX_LINES = 8192;
const MAX_NAME_LENGTH = 255;
const NO_PARENT = 'ffffffff';
export const MAX_DESCRIPTOR_BYTES = 2 ** 20;

export interface DescribedExtent {
  readonly kind: 'flat' | 'sparse' | 'zero';
  readonly bytes: number;
  /** Of the file; empty for zeros. */
  readonly name: string;
  /** Where it begins in its file. */
  readonly offset: number;
}

export interface Descriptor {
  readonly extents: readonly DescribedExtent[];
  readonly capacityBytes: number;
}

const KINDS: Readonly<Record<string, DescribedExtent['kind']>> = {
  FLAT: 'flat',
  VMFS: 'flat',
  SPARSE: 'sparse',
  ZERO: 'zero',
};

/** What each kind that is not read is, and what to do about it. */
const REFUSED: Readonly<Record<string, string>> = {
  VMFSSPARSE:
    'it is a delta of a snapshot (VMFSSPARSE); consolidate the snapshots of the VM, or export it',
  SESPARSE:
    'it is a delta of a snapshot (SESPARSE); consolidate the snapshots of the VM, or export it',
  VMFSRDM: 'it is a raw device mapping (VMFSRDM); copy the device itself',
  VMFSRAW: 'it is a raw device mapping (VMFSRAW); copy the device itself',
};

export function isDescriptor(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024));
  const text = start.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
  return text.trimStart().toLowerCase().startsWith(SIGNATURE);
}

export function parseDescriptor(bytes: Uint8Array): Descriptor {
  const settings = new Map<string, string>();
  const extents: DescribedExtent[] = [];
  for (const line of descriptorLines(bytes)) {
    const extent = parseExtent(line);
    if (extent === undefined) addSetting(settings, line);
    else extents.push(extent);
    if (extents.length > MAX_EXTENTS) {
      throw unreadableImage(`it is made of more than ${MAX_EXTENTS} extents`);
    }
  }
  refuseDelta(settings);
  const capacityBytes = extents.reduce((sum, extent) => sum + extent.bytes, 0);
  if (extents.length === 0) throw damagedImage('its descriptor names no extent');
  if (capacityBytes > MAX_CAPACITY_BYTES) {
    throw unreadableImage('its extents add up to more than 64 TiB');
  }
  return { extents, capacityBytes };
}

/** For a descriptor inside an extent: the extent itself knows the rest better. */
export function assertWholeDisk(bytes: Uint8Array): void {
  const settings = new Map<string, string>();
  for (const line of descriptorLines(bytes)) addSetting(settings, line);
  refuseDelta(settings);
}

function descriptorLines(bytes: Uint8Array): readonly string[] {
  if (bytes.byteLength > MAX_DESCRIPTOR_BYTES) throw damagedImage('a descriptor of over 1 MiB');
  const end = bytes.indexOf(0);
  const text = Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8');
  const lines = text.split(/\r\n|\r|\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) throw damagedImage(`a descriptor of over ${MAX_LINES} lines`);
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

function addSetting(settings: Map<string, string>, line: string): void {
  const match = /^([A-Za-z0-9_.]{1,128})\s*=\s*"?([^"]{0,1024})"?$/.exec(line);
  const key = match?.[1]?.toLowerCase();
  // The first counts, as it does for those who read line by line and stop at it.
  if (key !== undefined && !settings.has(key)) settings.set(key, match?.[2]?.trim() ?? '');
}

function refuseDelta(settings: ReadonlyMap<string, string>): void {
  const parent = settings.get('parentcid')?.toLowerCase();
  const hint = settings.get('parentfilenamehint');
  if ((parent === undefined || parent === NO_PARENT) && hint === undefined) return;
  const of = hint === undefined ? `the disk with content id ${parent}` : `"${hint}"`;
  throw unreadableImage(
    `it is a delta of a snapshot and holds only what changed since its parent, ${of}; ` +
      'consolidate the snapshots of the VM, or export it',
  );
}

const EXTENT =
  /^(RW|RDONLY|NOACCESS)\s+(\d{1,16})\s+([A-Za-z0-9]{1,32})(?:\s+"([^"]*)"(?:\s+(.*))?)?$/i;

function parseExtent(line: string): DescribedExtent | undefined {
  const match = EXTENT.exec(line);
  if (match === null) {
    if (/^(RW|RDONLY|NOACCESS)\s/i.test(line)) throw damagedImage('an extent line makes no sense');
    return undefined;
  }
  const [, access = '', sectors = '', kindName = '', name = '', rest = '0'] = match;
  const bytes = Number(sectors) * SECTOR_BYTES;
  const kind = KINDS[kindName.toUpperCase()];
  if (kind === undefined) {
    const why = REFUSED[kindName.toUpperCase()] ?? `it has an extent of kind ${kindName}`;
    throw unreadableImage(why);
  }
  if (access.toUpperCase() === 'NOACCESS') throw unreadableImage('one of its extents is NOACCESS');
  if (bytes === 0 || bytes > MAX_CAPACITY_BYTES) {
    throw damagedImage(`an extent of ${sectors} sectors`);
  }
  if (kind === 'zero') return { kind, bytes, name: '', offset: 0 };
  return { kind, bytes, name, offset: kind === 'flat' ? parseOffset(rest) : 0 };
}

/** After the offset some kinds name a device, which is for those who can open it. */
function parseOffset(rest: string): number {
  const offset = /^(\d{1,16})(?:\s|$)/.exec(rest.trim())?.[1];
  const bytes = Number(offset) * SECTOR_BYTES;
  if (offset === undefined || bytes > 2 ** 52) throw damagedImage('an extent has a strange offset');
  return bytes;
}

/** Nothing that leads out of the folder the descriptor lies in. */
export function parseExtentName(name: string): string {
  const isPlain = /^[^/\\\p{Cc}]+$/u.test(name) && name !== '.' && name !== '..';
  if (isPlain && name.length <= MAX_NAME_LENGTH) return name;
  throw unreadableImage('an extent of it is not named by a plain file name');
}
