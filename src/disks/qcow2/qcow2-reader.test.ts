import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { convertDisk, someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { isRefusal } from '#test/disks/image-refusal.ts';
import { MemorySource } from '#test/disks/memory-source.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { QCOW2_FIELDS } from './qcow2-header.ts';
import { openQcow2Reader } from './qcow2-reader.ts';

const signal = new AbortController().signal;
const CLUSTER = 65_536;
let directory = '';
let raw = '';

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-qcow2-'));
  raw = join(directory, 'disk.raw');
  const writes = [0, 3 * MIB, 5 * MIB - 512].map((at) => ({
    offset: at,
    data: someBytes(at, 5120),
  }));
  writeDisk(raw, { bytes: 6 * MIB + 512, writes });
});
after(() => rmSync(directory, { recursive: true, force: true }));

async function convert(name: string, ...options: string[]): Promise<string> {
  const image = join(directory, `${name}.qcow2`);
  await convertDisk(raw, image, ['qcow2', ...options]);
  return image;
}

async function read(bytes: Uint8Array): Promise<number> {
  await using reader = await openQcow2Reader(new MemorySource(bytes), signal);
  let sum = 0;
  for await (const { data } of reader.chunks({ signal })) sum += data.byteLength;
  return sum;
}

async function assertRefused(bytes: Uint8Array, why: RegExp): Promise<void> {
  await assert.rejects(read(bytes), isRefusal('failed_precondition', why), why.source);
}

const isDamaged = isRefusal('data_loss');

describe('openQcow2Reader', () => {
  it('reads clusters that lie in the file in no order, zeroed and given back', async () => {
    const image = join(directory, 'mixed.qcow2');
    const copy = join(directory, 'mixed.raw');
    const places = [90, 3, 51, 52, 40, 41, 39, 100, 0, 127].map((cluster) => cluster * CLUSTER);
    const commands = [
      ...places.map((at, i) => `write -q -P ${i + 1} ${at + 512} 5120`),
      `write -q -z ${51 * CLUSTER} ${CLUSTER}`,
      `write -q -z ${200 * CLUSTER} ${CLUSTER}`,
      `discard -q ${40 * CLUSTER} ${CLUSTER}`,
    ].flatMap((command) => ['-c', command]);
    for (const [format, path] of [
      ['qcow2', image],
      ['raw', copy],
    ] as const) {
      execFileSync('qemu-img', ['create', '-q', '-f', format, path, `${20 * MIB}`]);
      execFileSync('qemu-io', ['-d', 'unmap', '-f', format, ...commands, path]);
    }
    // What a snapshot keeps is not the disk as it is now.
    execFileSync('qemu-img', ['snapshot', '-c', 'before', image]);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -P 77 0 ${CLUSTER}`, image]);
    execFileSync('qemu-io', ['-f', 'raw', '-c', `write -q -P 77 0 ${CLUSTER}`, copy]);
    await using reader = await openQcow2Reader(new MemorySource(readFileSync(image)), signal);
    await assertSameContent(reader, copy);
    await assertSameContent(reader, copy, { fromOffset: 41 * CLUSTER + 1024 });
  });

  it('refuses what is not a whole disk by itself', async () => {
    const image = await convert('plain');
    const overlay = join(directory, 'overlay.qcow2');
    const create = ['create', '-q', '-f', 'qcow2'];
    execFileSync('qemu-img', [...create, '-b', image, '-F', 'qcow2', overlay]);
    await assertRefused(readFileSync(overlay), /overlay of a backing file/);
    const external = join(directory, 'external.qcow2');
    execFileSync('qemu-img', [...create, '-o', `data_file=${external}.raw`, external, '1M']);
    await assertRefused(readFileSync(external), /"external data file"/);
    const extended = join(directory, 'extended.qcow2');
    execFileSync('qemu-img', [...create, '-o', 'extended_l2=on', extended, '1M']);
    await assertRefused(readFileSync(extended), /"extended L2 entries"/);
  });

  it('refuses what it cannot know the meaning of', async () => {
    const good = readFileSync(await convert('plain'));
    const change = (at: number, value: number) => {
      const changed = Buffer.from(good);
      changed.writeUInt32BE(value, at);
      return changed;
    };
    await assertRefused(change(QCOW2_FIELDS.version, 1), /version 1/);
    await assertRefused(change(QCOW2_FIELDS.cryptMethod, 2), /encrypted/);
    await assertRefused(change(QCOW2_FIELDS.incompatibleFeatures + 4, 2), /"corrupt"/);
    await assertRefused(change(QCOW2_FIELDS.incompatibleFeatures + 4, 64), /nobody has told us/);
    await assertRefused(change(QCOW2_FIELDS.sizeBytes, 0x1_0000), /more than 64 TiB/);
    // An image that was not closed holds its data all the same; only the counts may be old.
    assert.equal(await read(change(QCOW2_FIELDS.incompatibleFeatures + 4, 1)), await read(good));
  });

  it('finds tables and clusters that are not where they can be', async () => {
    const good = readFileSync(await convert('plain'));
    const l1 = Number(good.readBigUInt64BE(QCOW2_FIELDS.l1Offset));
    const l2 = good.readUInt32BE(l1 + 4);
    const broken: readonly [number, number][] = [
      [QCOW2_FIELDS.clusterBits, 8],
      [QCOW2_FIELDS.clusterBits, 40],
      [QCOW2_FIELDS.l1Entries, 0],
      [QCOW2_FIELDS.l1Offset + 4, 0x7fff_0000],
      [QCOW2_FIELDS.l1Offset + 4, l1 + 8],
      [l1 + 4, 0x7fff_0000],
      [l1 + 4, l2 + 512],
      [l2 + 4, 0x7fff_0000],
      [l2 + 4, good.readUInt32BE(l2 + 4) + 512],
      // A compressed cluster where none is.
      [l2, 0x4000_0000],
    ];
    for (const [at, value] of broken) {
      const changed = Buffer.from(good);
      changed.writeUInt32BE(value, at);
      await assert.rejects(read(changed), isDamaged, `${value} at ${at}`);
    }
    for (let end = 4; end < good.byteLength - CLUSTER; end += 10_007) {
      await assert.rejects(read(good.subarray(0, end)), isDamaged, `cut off at ${end}`);
    }
  });

  it('may not name the same cluster again and again', async () => {
    const image = readFileSync(await convert('plain'));
    const l1 = Number(image.readBigUInt64BE(QCOW2_FIELDS.l1Offset));
    const l2 = image.readUInt32BE(l1 + 4);
    for (let i = 1; i < 96; i += 1) image.copy(image, l2 + i * 8, l2, l2 + 8);
    await assert.rejects(read(image), /more than the file holds/);
  });

  for (const type of ['zlib', 'zstd']) {
    it(`finds clusters compressed with ${type} that are broken or too long`, async () => {
      const image = await convert(type, '-c', '-o', `compression_type=${type}`);
      const good = readFileSync(image);
      const l1 = Number(good.readBigUInt64BE(QCOW2_FIELDS.l1Offset));
      const cluster = good.readUInt32BE(good.readUInt32BE(l1 + 4) + 4);
      assert.equal(await read(good), 3 * CLUSTER + (5 * MIB - 512 + 5120 > 5 * MIB ? CLUSTER : 0));
      const broken = Buffer.from(good);
      broken.fill(0xff, cluster, cluster + 16);
      await assert.rejects(read(broken), isDamaged);
    });
  }
});
