/**
 * Writes a disk the way an ESXi sends it over NFC, which is not how qemu-img writes it:
 *
 *   header, with "at the end" for the directory · descriptor · padding up to 64 KiB
 *   for each 32 MiB that hold anything: its grains, each with a marker · marker, grain table
 *   marker, grain directory · marker, footer: the header with the directory's place · end marker
 *
 * Grains of zeros are left out. Whoever reads this in order knows that it is whole by the end.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';

const SECTOR = 512;
const GRAIN_SECTORS = 128;
const GRAIN = GRAIN_SECTORS * SECTOR;
const GRAINS_PER_TABLE = 512;
const OVERHEAD_SECTORS = 128;
const DESCRIPTOR_SECTORS = 20;
const AT_THE_END = 2n ** 64n - 1n;
const MARKER = { end: 0, table: 1, directory: 2, footer: 3 };

interface Output {
  readonly file: FileHandle;
  sector: number;
}

/** `raw` is a file of whole sectors. */
export async function writeStreamOptimized(raw: string, target: string): Promise<void> {
  await using input = await open(raw);
  await using file = await open(target, 'w');
  const capacity = Math.ceil((await input.stat()).size / SECTOR);
  const output: Output = { file, sector: 0 };
  await write(output, header(capacity, AT_THE_END));
  await write(output, padded(Buffer.from(descriptor(capacity)), DESCRIPTOR_SECTORS));
  await write(output, Buffer.alloc((OVERHEAD_SECTORS - output.sector) * SECTOR));

  const tables = Math.ceil(capacity / GRAIN_SECTORS / GRAINS_PER_TABLE);
  const directory = Buffer.alloc(Math.ceil((tables * 4) / SECTOR) * SECTOR);
  for (let table = 0; table < tables; table += 1) {
    directory.writeUInt32LE(await writeTable(output, input, table), table * 4);
  }
  await write(output, marker(MARKER.directory, directory.length / SECTOR));
  const directorySector = output.sector;
  await write(output, directory);
  await write(output, marker(MARKER.footer, 1));
  await write(output, header(capacity, BigInt(directorySector)));
  await write(output, marker(MARKER.end, 0));
}

/** Answers the table's sector; zero, and nothing written, where all is zeros. */
async function writeTable(output: Output, input: FileHandle, table: number): Promise<number> {
  const entries = Buffer.alloc(GRAINS_PER_TABLE * 4);
  const content = Buffer.alloc(GRAINS_PER_TABLE * GRAIN);
  await input.read(content, 0, content.length, table * content.length);
  if (content.equals(ZEROS)) return 0;
  const grains: Buffer[] = [];
  let { sector } = output;
  for (let entry = 0; entry < GRAINS_PER_TABLE; entry += 1) {
    const grain = content.subarray(entry * GRAIN, (entry + 1) * GRAIN);
    if (grain.equals(ZEROS.subarray(0, GRAIN))) continue;
    entries.writeUInt32LE(sector, entry * 4);
    const data = deflateSync(grain, { level: 3 });
    const start = Buffer.alloc(12);
    start.writeBigUInt64LE(BigInt((table * GRAINS_PER_TABLE + entry) * GRAIN_SECTORS));
    start.writeUInt32LE(data.length, 8);
    const whole = padded(Buffer.concat([start, data]));
    grains.push(whole);
    sector += whole.length / SECTOR;
  }
  await write(output, Buffer.concat(grains));
  await write(output, marker(MARKER.table, entries.length / SECTOR));
  const tableSector = output.sector;
  await write(output, entries);
  return tableSector;
}

const ZEROS = Buffer.alloc(GRAINS_PER_TABLE * GRAIN);

async function write(output: Output, data: Buffer): Promise<void> {
  await output.file.write(data);
  // eslint-disable-next-line no-param-reassign
  output.sector += data.length / SECTOR;
}

function padded(data: Buffer, sectors = Math.ceil(data.length / SECTOR)): Buffer {
  return Buffer.concat([data, Buffer.alloc(sectors * SECTOR - data.length)]);
}

function marker(type: number, sectors: number): Buffer {
  const content = Buffer.alloc(SECTOR);
  content.writeBigUInt64LE(BigInt(sectors));
  content.writeUInt32LE(type, 12);
  return content;
}

function header(capacity: number, directorySector: bigint): Buffer {
  const content = Buffer.alloc(SECTOR);
  content.write('KDMV');
  content.writeUInt32LE(3, 4);
  // The line ends below are valid, grains are compressed, and markers come before all.
  content.writeUInt32LE(0x3_0001, 8);
  content.writeBigUInt64LE(BigInt(capacity), 12);
  content.writeBigUInt64LE(BigInt(GRAIN_SECTORS), 20);
  content.writeBigUInt64LE(1n, 28);
  content.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS), 36);
  content.writeUInt32LE(GRAINS_PER_TABLE, 44);
  content.writeBigUInt64LE(directorySector, 56);
  content.writeBigUInt64LE(BigInt(OVERHEAD_SECTORS), 64);
  content.write('\n \r\n', 73, 'latin1');
  content.writeUInt16LE(1, 77);
  return content;
}

function descriptor(capacity: number): string {
  return `# Disk DescriptorFile
version=1
CID=7d0c4a1e
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY ${capacity} SPARSE "generated-stream.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "${Math.max(1, Math.floor(capacity / 63 / 255))}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.longContentID = "0f3a7c1de58b4a0c96e1d3fa7d0c4a1e"
ddb.toolsInstallType = "4"
ddb.toolsVersion = "12325"
ddb.virtualHWVersion = "19"
`;
}
