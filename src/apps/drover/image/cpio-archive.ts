/**
 * Writes the archive a Linux kernel unpacks as its first root: the `newc` form of cpio. An entry
 * is a header of ASCII hex fields, the name and the content, name and content each padded to
 * four bytes; an entry named TRAILER!!! ends the archive. Owner is root and time is zero, so the
 * same entries always give the same bytes.
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly content: Buffer;
      readonly mode: number;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string };

const MAGIC = '070701';
const DIRECTORY_MODE = 0o040755;
const FILE_MODE = 0o100000;
const SYMLINK_MODE = 0o120777;

/** Paths are relative; a directory comes before what lies in it: the kernel makes no parents. */
export function createCpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  for (const entry of entries) {
    inode += 1;
    parts.push(...encode(entry.path, modeOf(entry), contentOf(entry), inode));
  }
  parts.push(...encode('TRAILER!!!', 0, Buffer.alloc(0), 0));
  return Buffer.concat(parts);
}

function modeOf(entry: CpioEntry): number {
  switch (entry.kind) {
    case 'directory':
      return DIRECTORY_MODE;
    case 'file':
      return FILE_MODE | entry.mode;
    case 'symlink':
      return SYMLINK_MODE;
  }
}

function contentOf(entry: CpioEntry): Buffer {
  switch (entry.kind) {
    case 'directory':
      return Buffer.alloc(0);
    case 'file':
      return entry.content;
    case 'symlink':
      return Buffer.from(entry.target);
  }
}

function encode(path: string, mode: number, content: Buffer, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // In order: inode, mode, uid, gid, links, time, size, device (2), special device (2), length
  // of the name, checksum (unused in this form).
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(MAGIC + fields.map(toHex).join(''));
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

function toHex(field: number): string {
  return field.toString(16).padStart(8, '0');
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
