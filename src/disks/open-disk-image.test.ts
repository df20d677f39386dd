import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { GIB } from '#kernel/units.ts';
import { convertDisk, DISK_PLANS, someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { isRefusal } from '#test/disks/image-refusal.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { openDiskImage } from './open-disk-image.ts';

const signal = new AbortController().signal;

/** As `qemu-img convert` wants them, and the largest disk that is worth the files it makes. */
const FORMATS: readonly { options: readonly string[]; most?: number }[] = [
  { options: ['raw'] },
  { options: ['qcow2'] },
  { options: ['qcow2', '-o', 'compat=0.10'] },
  { options: ['qcow2', '-c'] },
  { options: ['qcow2', '-c', '-o', 'compression_type=zstd'] },
  { options: ['qcow2', '-o', 'cluster_size=2M'] },
  { options: ['qcow2', '-c', '-o', 'cluster_size=4k'], most: GIB },
  { options: ['vmdk'] },
  { options: ['vmdk', '-o', 'compat6=on'] },
  { options: ['vmdk', '-o', 'zeroed_grain=on'] },
  { options: ['vmdk', '-o', 'subformat=monolithicFlat'] },
  { options: ['vmdk', '-o', 'subformat=twoGbMaxExtentSparse'], most: GIB },
  { options: ['vmdk', '-o', 'subformat=twoGbMaxExtentFlat'], most: GIB },
  { options: ['vmdk', '-o', 'subformat=streamOptimized'] },
];

let directory = '';
let count = 0;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-images-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

function fresh(ending: string): string {
  count += 1;
  return join(directory, `${count}.${ending}`);
}

describe('openDiskImage', () => {
  for (const plan of DISK_PLANS) {
    it(`gives the content of a disk (${plan.name}) from every format`, async () => {
      const raw = fresh('raw');
      writeDisk(raw, plan);
      const formats = FORMATS.filter(({ most = Infinity }) => plan.bytes <= most);
      await Promise.all(
        formats.map(async ({ options }) => {
          // The name says nothing about what it is.
          const image = fresh('img');
          await convertDisk(raw, image, options);
          await using reader = await openDiskImage(image, { signal });
          assert.equal(reader.format, options[0]);
          assert.deepEqual(reader.warnings, []);
          const fromOffset = Math.floor(plan.bytes / 1024) * 512;
          await assertSameContent(reader, raw, { of: options.join(' ') });
          await assertSameContent(reader, raw, { of: options.join(' '), fromOffset });
        }),
      );
    });
  }

  it('refuses by name what qemu-img would have to convert first', async () => {
    const raw = fresh('raw');
    writeDisk(raw, { bytes: 1024 * 1024, writes: [{ offset: 0, data: someBytes(1, 512) }] });
    const foreign = [
      { options: ['vpc'], name: /VHD;/ },
      { options: ['vpc', '-o', 'subformat=fixed'], name: /VHD;/ },
      { options: ['vhdx'], name: /VHDX/ },
      { options: ['vdi'], name: /VDI/ },
      { options: ['qed'], name: /QED/ },
    ];
    for (const { options, name } of foreign) {
      const image = fresh('img');
      await convertDisk(raw, image, options);
      await assert.rejects(
        openDiskImage(image, { signal }),
        isRefusal('failed_precondition', name),
      );
    }
    for (const [magic, name] of [
      ['COWD', /COWD/],
      ['\xbe\xba\xfe\xca\0\0\0\0', /seSparse/],
    ] as const) {
      const image = fresh('img');
      writeFileSync(image, Buffer.from(magic.padEnd(1024, '\0'), 'latin1'));
      await assert.rejects(
        openDiskImage(image, { signal }),
        isRefusal('failed_precondition', name),
      );
    }
  });

  it('takes any other file for the disk itself, and fills up its last sector', async () => {
    const path = fresh('vmdk');
    writeFileSync(path, 'not quite a sector');
    await using reader = await openDiskImage(path, { signal });
    assert.equal(reader.format, 'raw');
    assert.equal(reader.capacityBytes, 512);
    const [chunk] = await Array.fromAsync(reader.chunks({ signal }));
    assert.equal(Buffer.from(chunk?.data ?? []).toString(), 'not quite a sector'.padEnd(512, '\0'));
  });

  it('says which file is missing', async () => {
    const missing = openDiskImage(fresh('raw'), { signal });
    await assert.rejects(missing, isRefusal('not_found'));
    const descriptor = fresh('vmdk');
    writeFileSync(descriptor, '# Disk DescriptorFile\nRW 8 FLAT "nowhere-flat.vmdk" 0\n');
    const opening = openDiskImage(descriptor, { signal });
    await assert.rejects(opening, isRefusal('not_found'));
  });
});
