/**
 * The files in a tar archive, by where they begin, so that each can be read in its place:
 *
 *   header (512 bytes) → content, padded to 512 → header → … → 1024 bytes of zeros
 *
 * A header of type `x` or `L` says more of the one after it: a longer name, a bigger size.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import { MIB } from '#kernel/units.ts';
import { damagedPackage, unreadablePackage } from './package-error.ts';

export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const BLOCK_BYTES = 512;
const MOST_MEMBERS = 1000;
const MOST_HEADERS = 4 * MOST_MEMBERS;
const MOST_EXTENSION_BYTES = MIB / 16;
const FILES = ['0', '\0', '7'];

interface Extension {
  readonly name?: string | undefined;
  readonly length?: number | undefined;
}

export async function listTarMembers(
  source: RangeSource,
  signal: AbortSignal,
): Promise<readonly TarMember[]> {
  await assertArchive(source, signal);
  const members = new Map<string, TarMember>();
  let extension: Extension = {};
  let at = 0;
  for (let headers = 0; at + BLOCK_BYTES <= source.sizeBytes; headers += 1) {
    if (headers >= MOST_HEADERS) throw unreadablePackage(`it has over ${MOST_MEMBERS} members`);
    const header = Buffer.from(await source.read(at, BLOCK_BYTES, signal));
    if (header.every((byte) => byte === 0)) break;
    assertHeader(header, at);
    const offset = at + BLOCK_BYTES;
    const length = extension.length ?? readSize(header);
    if (offset + length > source.sizeBytes) throw damagedPackage('the archive is cut off');
    const type = String.fromCodePoint(header.readUInt8(156));
    at = offset + Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
    if (type === 'x' || type === 'L') {
      extension = {
        ...extension,
        ...(await readExtension(source, { type, offset, length }, signal)),
      };
      continue;
    }
    const name = (extension.name ?? readName(header)).replace(/^\.\//, '');
    extension = {};
    // What is neither a file nor of any content is passed over: a folder, a header for all.
    if (type === '5' || type === 'g') continue;
    if (!FILES.includes(type))
      throw unreadablePackage(`its member ${quote(name)} is no plain file`);
    // Of two with one name, a manifest would be of the one and the copy of the other.
    if (members.has(name)) throw damagedPackage(`the member ${quote(name)} is there twice`);
    members.set(name, { name, offset, length });
    if (members.size > MOST_MEMBERS) throw unreadablePackage(`it has over ${MOST_MEMBERS} members`);
  }
  return [...members.values()];
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

async function assertArchive(source: RangeSource, signal: AbortSignal): Promise<void> {
  const beginning = await source.read(0, Math.min(2, source.sizeBytes), signal);
  if (Buffer.from(beginning).toString('hex') === '1f8b') {
    throw unreadablePackage('it is compressed by gzip; unpack it with gunzip first');
  }
  if (source.sizeBytes < BLOCK_BYTES) throw unreadablePackage('it is no tar archive');
}

function assertHeader(header: Buffer, at: number): void {
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 0 : byte;
  if (sum === readOctal(header.subarray(148, 156))) return;
  if (at === 0) throw unreadablePackage('it is no tar archive');
  throw damagedPackage(`the archive has no header at ${at}, where one should be`);
}

function readName(header: Buffer): string {
  const name = readText(header.subarray(0, 100));
  const isUstar = header.toString('latin1', 257, 262) === 'ustar' && header.readUInt8(262) === 0;
  const prefix = isUstar ? readText(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

function readOctal(bytes: Buffer): number {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString('latin1')) ?? [];
  return digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
}

/** Octal digits, or, with the first bit set, a binary number: of members of 8 GiB and more. */
function readSize(header: Buffer): number {
  const field = header.subarray(124, 136);
  const isBinary = field.readUInt8(0) === 0x80 && field.readUInt32BE(0) === 0x8000_0000;
  const size = isBinary ? Number(field.readBigUInt64BE(4)) : readOctal(field);
  return assertSize(size);
}

function assertSize(size: number): number {
  if (Number.isSafeInteger(size) && size >= 0 && size <= 2 ** 52) return size;
  throw damagedPackage('a member of the archive has an impossible size');
}

async function readExtension(
  source: RangeSource,
  { type, offset, length }: { readonly type: 'x' | 'L'; offset: number; length: number },
  signal: AbortSignal,
): Promise<Extension> {
  if (length > MOST_EXTENSION_BYTES)
    throw unreadablePackage('a member of it has too long a header');
  const content = Buffer.from(await source.read(offset, length, signal));
  return type === 'L' ? { name: readText(content) } : readPax(content);
}

/** Records as `LENGTH KEY=VALUE\n`; the length is that of all of the record, in bytes. */
function readPax(content: Buffer): Extension {
  let extension: Extension = {};
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(' ', at);
    const length = Number(content.toString('latin1', at, Math.max(at, space)));
    const isWhole = Number.isInteger(length) && length > 0 && at + length <= content.length;
    if (space === -1 || space >= at + 20 || !isWhole) {
      throw damagedPackage('a header of the archive makes no sense');
    }
    const record = content.toString('utf8', space + 1, at + length - 1);
    const [key, value] = [
      record.slice(0, record.indexOf('=')),
      record.slice(record.indexOf('=') + 1),
    ];
    if (key === 'path') extension = { ...extension, name: value };
    if (key === 'size') extension = { ...extension, length: assertSize(Number(value || 'none')) };
    if (key.startsWith('GNU.sparse')) throw unreadablePackage('a member of it is packed as sparse');
    at += length;
  }
  return extension;
}
