/** Streams of grains in any order and state, as no proper writer would make them. */
import { deflateSync } from 'node:zlib';

const SECTOR = 512;
const GRAIN = 65_536;
const TABLE_ENTRIES = 512;
const TABLE_SPAN = GRAIN * TABLE_ENTRIES;
const OVERHEAD = 128 * SECTOR;
const AT_END = 2n ** 64n - 1n;

export interface StreamPlan {
  readonly capacityBytes: number;
  readonly grains: readonly { readonly diskOffset: number; readonly data: Uint8Array }[];
  readonly descriptor?: string;
  /** Of the header, and of the footer where that is to be another. */
  readonly version?: number;
  readonly footerCapacity?: number;
  /** Instead of what the grain's data makes. */
  readonly packed?: (data: Uint8Array) => Uint8Array;
}

const DESCRIPTOR = '# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n';

interface Output {
  readonly parts: Buffer[];
  position: number;
}

export function buildStream(plan: StreamPlan): Buffer {
  const { capacityBytes, grains, descriptor = DESCRIPTOR, version = 3 } = plan;
  const output: Output = { parts: [], position: 0 };
  append(output, streamHeader(capacityBytes, AT_END, version));
  append(output, Buffer.from(descriptor.padEnd(OVERHEAD - SECTOR, '\0')));
  const tables = new Map<number, Buffer>();
  for (const { diskOffset, data } of grains) {
    const index = Math.floor(diskOffset / TABLE_SPAN);
    const table = tables.get(index) ?? Buffer.alloc(TABLE_ENTRIES * 4);
    tables.set(index, table);
    table.writeUInt32LE(
      output.position / SECTOR,
      Math.floor((diskOffset % TABLE_SPAN) / GRAIN) * 4,
    );
    append(output, grainPart(diskOffset, (plan.packed ?? deflateSync)(data)));
  }
  const count = Math.ceil(capacityBytes / TABLE_SPAN);
  const directory = Buffer.alloc(toSectors(count * 4));
  for (const [index, table] of tables) {
    append(output, metadataMarker(1, table.byteLength));
    directory.writeUInt32LE(output.position / SECTOR, index * 4);
    append(output, table);
  }
  append(output, metadataMarker(2, directory.byteLength));
  const directoryAt = BigInt(output.position / SECTOR);
  append(output, directory);
  append(output, metadataMarker(3, SECTOR));
  append(output, streamHeader(plan.footerCapacity ?? capacityBytes, directoryAt, version));
  append(output, metadataMarker(0, 0));
  return Buffer.concat(output.parts);
}

function append(output: Output, part: Buffer): void {
  output.parts.push(part);
  // eslint-disable-next-line no-param-reassign
  output.position += part.byteLength;
}

function grainPart(diskOffset: number, packed: Uint8Array): Buffer {
  const part = Buffer.alloc(toSectors(12 + packed.byteLength));
  part.writeBigUInt64LE(BigInt(diskOffset / SECTOR), 0);
  part.writeUInt32LE(packed.byteLength, 8);
  part.set(packed, 12);
  return part;
}

function metadataMarker(kind: number, bytes: number): Buffer {
  const part = Buffer.alloc(SECTOR);
  part.writeBigUInt64LE(BigInt(bytes / SECTOR), 0);
  part.writeUInt32LE(kind, 12);
  return part;
}

function streamHeader(capacityBytes: number, directorySector: bigint, version: number): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write('KDMV', 0, 'latin1');
  header.writeUInt32LE(version, 4);
  header.writeUInt32LE(0x30001, 8);
  header.writeBigUInt64LE(BigInt(capacityBytes / SECTOR), 12);
  header.writeBigUInt64LE(BigInt(GRAIN / SECTOR), 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(BigInt(OVERHEAD / SECTOR - 1), 36);
  header.writeUInt32LE(TABLE_ENTRIES, 44);
  header.writeBigUInt64LE(directorySector, 56);
  header.writeBigUInt64LE(BigInt(OVERHEAD / SECTOR), 64);
  header.write('\n \r\n', 73, 'latin1');
  header.writeUInt16LE(1, 77);
  return header;
}

function toSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR) * SECTOR;
}

/** Pieces of the given length, as a slow connection would bring them. */
export async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}
