import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openDiskImageIn } from '#disks/open-disk-image.ts';
import type { RangeSource } from '#disks/byte-source.ts';
import { MIB } from '#kernel/units.ts';
import { convertDisk, DISK_PLANS, someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { isRefusal } from '#test/disks/image-refusal.ts';
import { MemorySource } from '#test/disks/memory-source.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { buildStream } from '#test/disks/vmdk-stream.ts';
import { writeStreamOptimized } from '#test/vsphere/stream-optimized.ts';

const signal = new AbortController().signal;
const HEAD = '# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n';
const GRAIN = 65_536;

let directory = '';
let raw = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-vmdk-'));
  raw = join(directory, 'scattered.raw');
  const plan = DISK_PLANS.find(({ name }) => name === 'scattered');
  assert.ok(plan !== undefined);
  writeDisk(raw, plan);
});
after(() => rmSync(directory, { recursive: true, force: true }));

async function openAll(image: Uint8Array, files: Readonly<Record<string, Uint8Array>> = {}) {
  const opened: MemorySource[] = [];
  const openSibling = async (name: string): Promise<RangeSource> => {
    const bytes = files[name];
    if (bytes === undefined) throw new Error(`no ${name}`);
    const source = new MemorySource(bytes);
    opened.push(source);
    return source;
  };
  const source = new MemorySource(image);
  const reader = await openDiskImageIn(source, { signal, openSibling });
  return { reader, opened, source };
}

async function readText(text: string, files: Readonly<Record<string, Uint8Array>>) {
  const { reader } = await openAll(Buffer.from(HEAD + text), files);
  await using _reader = reader;
  const disk = Buffer.alloc(reader.capacityBytes);
  for await (const { offset, data } of reader.chunks({ signal })) disk.set(data, offset);
  return disk;
}

async function readImage(image: Uint8Array): Promise<number> {
  await using reader = (await openAll(image)).reader;
  const chunks = await Array.fromAsync(reader.chunks({ signal }));
  return chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
}

async function convertAndRead(subformat: string): Promise<Buffer> {
  const image = join(directory, `${subformat}.vmdk`);
  await convertDisk(raw, image, ['vmdk', '-o', `subformat=${subformat}`]);
  return readFileSync(image);
}

const isDamaged = isRefusal('data_loss');

describe('a VMDK in several files', () => {
  it('is one disk, from extents of every kind', async () => {
    const [first, second] = [someBytes(1, 4096), someBytes(2, 8192)];
    const disk = await readText(
      'RW 8 FLAT "a.vmdk" 0\nRW 4 ZERO\nRW 8 VMFS "b.vmdk" 2\nRW 2 FLAT "b.vmdk" 14\n',
      { 'a.vmdk': first, 'b.vmdk': second },
    );
    const expected = [first, Buffer.alloc(2048), second.subarray(1024, 5120)];
    assert.deepEqual(disk, Buffer.concat([...expected, second.subarray(14 * 512)]));
  });

  it('asks for nothing but files beside it', async () => {
    for (const name of ['../a.vmdk', '/etc/passwd', '..', 'sub\\a.vmdk', '']) {
      const opening = readText(`RW 8 FLAT "${name}" 0\n`, {});
      await assert.rejects(opening, isRefusal('failed_precondition'), name);
    }
  });

  it('refuses extents that are shorter than it says', async () => {
    const files = { 'a.vmdk': Buffer.alloc(4095), 's.vmdk': Buffer.alloc(300) };
    await assert.rejects(readText('RW 8 FLAT "a.vmdk" 0\n', files), /ends after 4095 bytes/);
    await assert.rejects(readText('RW 4 FLAT "a.vmdk" 4\n', files), isDamaged);
    await assert.rejects(readText('RW 8 SPARSE "s.vmdk"\n', files), isDamaged);
    await assert.rejects(readText('RW 8 SPARSE "a.vmdk"\n', files), isDamaged);
  });

  it('closes every file, also when one cannot be opened', async () => {
    const text = Buffer.from(`${HEAD}RW 1 FLAT "a" 0\nRW 1 FLAT "b" 0\n`);
    const files = { a: Buffer.alloc(512), b: Buffer.alloc(512) };
    const whole = await openAll(text, files);
    assert.ok(whole.source.isDisposed, 'the descriptor is not needed any more');
    assert.ok(whole.opened.every(({ isDisposed }) => !isDisposed));
    await whole.reader[Symbol.asyncDispose]();
    assert.deepEqual(
      whole.opened.map(({ isDisposed }) => isDisposed),
      [true, true],
    );
    const opened: MemorySource[] = [];
    const openSibling = async (name: string) => {
      if (name === 'b') throw new Error('no b');
      const source = new MemorySource(files.a);
      opened.push(source);
      return source;
    };
    const opening = openDiskImageIn(new MemorySource(text), { signal, openSibling });
    await assert.rejects(opening, /no b/);
    assert.deepEqual(
      opened.map(({ isDisposed }) => isDisposed),
      [true],
    );
  });

  it('is read by the names that qemu-img gave', async () => {
    const folder = join(directory, 'split');
    execFileSync('mkdir', [folder]);
    const image = join(folder, 'disk.vmdk');
    await convertDisk(raw, image, ['vmdk', '-o', 'subformat=twoGbMaxExtentSparse']);
    const names = readdirSync(folder);
    assert.deepEqual(names, ['disk-s001.vmdk', 'disk.vmdk']);
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
    const { reader } = await openAll(readFileSync(image), files);
    await using _reader = reader;
    await assertSameContent(reader, raw);
  });
});

describe('a sparse VMDK', () => {
  it('is read though its grains lie in the file in no order', async () => {
    const [image, copy] = [join(directory, 'mixed.vmdk'), join(directory, 'mixed.raw')];
    const places = [900, 3, 511, 512, 40, 41, 39, 1000, 0, 1023].map((grain) => grain * GRAIN);
    const commands = places.flatMap((at, i) => ['-c', `write -q -P ${i + 1} ${at + 512} ${5120}`]);
    for (const [format, path] of [
      ['vmdk', image],
      ['raw', copy],
    ] as const) {
      execFileSync('qemu-img', ['create', '-q', '-f', format, path, `${64 * MIB}`]);
      execFileSync('qemu-io', ['-f', format, ...commands, path]);
    }
    const { reader } = await openAll(readFileSync(image));
    await using _reader = reader;
    await assertSameContent(reader, copy);
    await assertSameContent(reader, copy, { fromOffset: 41 * GRAIN + 512 });
  });

  it('is read by its second directory where the first is broken', async () => {
    const image = await convertAndRead('monolithicSparse');
    const [redundant, first] = [48, 56].map((at) => Number(image.readBigUInt64LE(at)) * 512);
    assert.ok(redundant !== undefined && first !== undefined);
    const grains = await readImage(image);
    const broken = Buffer.from(image);
    broken.fill(0xff, first, first + 8);
    assert.equal(await readImage(broken), grains);
    broken.fill(0xff, redundant, redundant + 4);
    await assert.rejects(readImage(broken), isDamaged);
  });

  it('says that it was not closed', async () => {
    const image = await convertAndRead('monolithicSparse');
    image.writeUInt8(1, 72);
    await using reader = (await openAll(image)).reader;
    assert.match(reader.warnings.join(), /was not closed/);
    await assertSameContent(reader, raw);
  });

  it('is damaged when it is cut off, or went through a transfer as text', async () => {
    const image = await convertAndRead('monolithicSparse');
    for (const end of [4, 511, 512, 30_000, 100_000, image.byteLength - GRAIN]) {
      await assert.rejects(readImage(image.subarray(0, end)), isDamaged, `cut off at ${end}`);
    }
    image.writeUInt8(0x20, 75);
    await assert.rejects(readImage(image), /transferred as text/);
  });

  it('may not name the same grain again and again', async () => {
    const image = await convertAndRead('monolithicSparse');
    const directoryAt = Number(image.readBigUInt64LE(56)) * 512;
    const table = image.readUInt32LE(directoryAt) * 512;
    const grain = image.readUInt32LE(table) === 0 ? 128 : image.readUInt32LE(table);
    for (let at = directoryAt; at < directoryAt + 8; at += 4) {
      image.writeUInt32LE(table / 512, at);
    }
    for (let i = 0; i < 512; i += 1) image.writeUInt32LE(grain, table + i * 4);
    await assert.rejects(readImage(image), /more than the file holds/);
  });
});

describe('a stream-optimized VMDK that was saved to a file', () => {
  it('is read by the directory at its end', async () => {
    const saved = join(directory, 'saved.vmdk');
    await writeStreamOptimized(raw, saved);
    const { reader } = await openAll(readFileSync(saved));
    await using _reader = reader;
    await assertSameContent(reader, raw);
    await assertSameContent(reader, raw, { fromOffset: 20 * MIB + 512 });
  });

  it('is damaged when it is cut off anywhere, or a grain is not the one it should be', async () => {
    const grains = [0, 1, 7].map((i) => ({ diskOffset: i * GRAIN, data: someBytes(i, GRAIN) }));
    const stream = buildStream({ capacityBytes: MIB, grains });
    assert.equal(await readImage(stream), 3 * GRAIN);
    for (let end = 4; end < stream.byteLength; end += 2044) {
      await assert.rejects(readImage(stream.subarray(0, end)), isDamaged, `cut off at ${end}`);
    }
    stream.writeUInt32LE(128, GRAIN);
    await assert.rejects(readImage(stream), /is not in its place/);
  });
});
