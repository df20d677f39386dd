/**
 * Reads the head of a disk image without trusting it. A qcow2 header can name other files of the
 * host, as its backing file or for its data, and QEMU would open them: so images are looked at
 * here first, by code that does nothing but look.
 */
export type ImageHeader =
  | { readonly format: 'raw' }
  | {
      readonly format: 'qcow2';
      readonly sizeBytes: number;
      /** As it stands in the image, which may be relative to it. */
      readonly backingFile: string | undefined;
    }
  | { readonly format: 'refused'; readonly why: string };

/** A backing file's name lies in the first cluster, which is 2 MiB at most. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

const HEADER_BYTES = 104;
const MOST_NAME_BYTES = 1023;
const MOST_DISK_BYTES = 2 ** 46;
const QCOW2_MAGIC = 0x514649fb;
const INCOMPATIBLE_CORRUPT = 1n << 1n;
const INCOMPATIBLE_DATA_FILE = 1n << 2n;
const INCOMPATIBLE_KNOWN = 0b11111n;

const FOREIGN: readonly { readonly magic: string; readonly name: string }[] = [
  { magic: 'KDMV', name: 'a VMDK' },
  { magic: 'COWD', name: 'a VMDK' },
  { magic: '# Disk DescriptorFile', name: 'a VMDK' },
  { magic: 'vhdxfile', name: 'a VHDX' },
  { magic: 'conectix', name: 'a VHD' },
  { magic: '<<< ', name: 'a VDI' },
  { magic: 'QED\0', name: 'a QED' },
  { magic: 'LUKS\xba\xbe', name: 'an encrypted' },
];

export async function readImageHeader(readAt: ReadAt): Promise<ImageHeader> {
  const head = await readAt(0, HEADER_BYTES);
  if (head.length >= 4 && head.readUInt32BE(0) === QCOW2_MAGIC)
    return await readQcow2(head, readAt);
  const text = head.toString('latin1');
  const foreign = FOREIGN.find(({ magic }) => text.startsWith(magic));
  if (foreign === undefined) return { format: 'raw' };
  return refused(`is ${foreign.name} image; convert it to qcow2 with qemu-img convert`);
}

async function readQcow2(head: Buffer, readAt: ReadAt): Promise<ImageHeader> {
  if (head.length < 72) return refused('is a qcow2 image that is cut off');
  const version = head.readUInt32BE(4);
  const clusterBits = head.readUInt32BE(20);
  const size = head.readBigUInt64BE(24);
  if (version !== 2 && version !== 3) return refused('is a qcow2 image of an unknown version');
  if (version === 3 && head.length < HEADER_BYTES)
    return refused('is a qcow2 image that is cut off');
  if (clusterBits < 9 || clusterBits > 21) return refused('is a damaged qcow2 image');
  if (size === 0n || size > BigInt(MOST_DISK_BYTES)) {
    return refused('is a qcow2 image of an impossible size');
  }
  if (head.readUInt32BE(32) !== 0) return refused('is an encrypted qcow2 image');
  const features = version === 3 ? head.readBigUInt64BE(72) : 0n;
  if ((features & INCOMPATIBLE_DATA_FILE) !== 0n) {
    return refused('is a qcow2 image that keeps its data in another file');
  }
  if ((features & INCOMPATIBLE_CORRUPT) !== 0n)
    return refused('is marked as a corrupt qcow2 image');
  if ((features & ~INCOMPATIBLE_KNOWN) !== 0n) {
    return refused('is a qcow2 image with features this host does not know');
  }
  const backing = await readBackingName(head, 2 ** clusterBits, readAt);
  if (backing === null) return refused('is a damaged qcow2 image');
  return { format: 'qcow2', sizeBytes: Number(size), backingFile: backing };
}

/** Null when what stands there cannot be a name. */
async function readBackingName(
  head: Buffer,
  clusterBytes: number,
  readAt: ReadAt,
): Promise<string | undefined | null> {
  const offset = Number(head.readBigUInt64BE(8));
  const length = head.readUInt32BE(16);
  if (offset === 0) return undefined;
  if (length === 0 || length > MOST_NAME_BYTES || offset + length > clusterBytes) return null;
  const name = await readAt(offset, length);
  return name.length === length ? name.toString('utf8') : null;
}

function refused(why: string): ImageHeader {
  return { format: 'refused', why };
}
