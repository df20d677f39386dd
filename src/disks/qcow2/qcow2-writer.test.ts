import assert from 'node:assert/strict';
import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DiskMark } from '#disks/disk-writer.ts';
import { ImageFile } from '#disks/image-file.ts';
import { isErrorKind } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { testDiskWriter } from '#test/contract/disk-writer.ts';
import { fill, shuffle, toChunk, writeModel, type Piece } from '#test/disk-content.ts';
import { assertSameDisk, assertSound } from '#test/qemu-img.ts';
import { Qcow2Clusters } from './qcow2-writer-clusters.ts';
import { writeClusterEntry } from './qcow2-writer-entry.ts';
import {
  encodeQcow2Header,
  ENTRIES_PER_TABLE,
  layOutQcow2,
  REFCOUNTS_PER_BLOCK,
} from './qcow2-writer-layout.ts';
import { Qcow2Tables } from './qcow2-writer-tables.ts';
import { Qcow2Writer, type Qcow2Options } from './qcow2-writer.ts';

const CLUSTER = 64 * 1024;

testDiskWriter('Qcow2Writer', { format: 'qcow2' });
testDiskWriter('Qcow2Writer that compresses', { format: 'qcow2', compressionLevel: 6 });

describe('Qcow2Writer', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-qcow2-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function writeImage(
    path: string,
    capacityBytes: number,
    pieces: Iterable<Piece>,
    options: Qcow2Options = {},
  ): Promise<DiskMark> {
    await using writer = await Qcow2Writer.create(path, capacityBytes, options);
    for (const piece of pieces) await writer.write(piece.offset, toChunk(piece).data);
    return await writer.flush();
  }

  it('keeps no more tables in memory than it may, and writes the others out', async () => {
    const capacityBytes = 160 * GIB;
    const path = join(folder, 'tables');
    const model = join(folder, 'tables-model');
    const rows = [0, MIB].map((shift) =>
      shuffle(Array.from({ length: 310 }, (_, at) => at * 512 * MIB + shift)),
    );
    const pieces = rows
      .flat()
      .map((offset) => ({ offset, length: 4096, filling: 'text' }) as const);
    await writeImage(path, capacityBytes, pieces);
    await writeModel(model, capacityBytes, pieces.map(toChunk));
    await assertSound({ path, format: 'qcow2' });
    await assertSameDisk({ path, format: 'qcow2' }, { path: model, format: 'raw' });
  });

  /** With as many clusters as are asked for, which are holes. */
  async function createHollow(path: string, capacityBytes: number, clusters: number) {
    const layout = layOutQcow2(capacityBytes);
    await using file = await ImageFile.create(path);
    const given = Qcow2Clusters.create(file, layout);
    const l1 = Buffer.alloc(layout.l1Entries * 8);
    const tables = new Qcow2Tables({ file, layout, clusters: given, l1 });
    for (let cluster = 0; cluster < clusters; cluster += 1) {
      const table = tables.peek(cluster) ?? (await tables.load(cluster));
      writeClusterEntry(table.entries, cluster % ENTRIES_PER_TABLE, given.allocate());
      table.isDirty = true;
    }
    await file.write(0, encodeQcow2Header(layout));
    await tables.flush();
    await given.flush();
    await file.setLength(given.endOffset);
    return given.endOffset;
  }

  for (const compressionLevel of [undefined, 1]) {
    const how = compressionLevel === undefined ? 'plain' : 'compressed';
    it(`counts the uses of more ${how} clusters than fit in one block`, async () => {
      const path = join(folder, `blocks-${how}`);
      const capacityBytes = 9 * GIB;
      const known = 4 * REFCOUNTS_PER_BLOCK - 30;
      const endBytes = await createHollow(path, capacityBytes, known);
      await assertSound({ path, format: 'qcow2' });
      const add = async (end: number, clusters: number) => {
        const at = { capacityBytes, endBytes: end };
        await using writer = await Qcow2Writer.resume(path, at, { compressionLevel });
        for (let cluster = known; cluster < known + clusters; cluster += 1) {
          await writer.write(cluster * CLUSTER, fill('text', cluster * CLUSTER, CLUSTER));
        }
        return await writer.flush();
      };
      await add(endBytes, 400);
      const report = await assertSound({ path, format: 'qcow2' });
      assert.equal(report['allocated-clusters'], known + 400);
      // Once more from the same mark, and then from the new one.
      const mark = await add(endBytes, 350);
      await using _writer = await Qcow2Writer.resume(path, {
        capacityBytes,
        endBytes: mark.endBytes,
      });
      assert.equal(
        (await assertSound({ path, format: 'qcow2' }))['allocated-clusters'],
        known + 350,
      );
    });
  }

  it('makes small what can be, and leaves the rest as it is', async () => {
    const pieces = [
      { offset: 0, length: 2 * MIB, filling: 'text' },
      { offset: 2 * MIB, length: 2 * MIB, filling: 'mixed' },
      { offset: 4 * MIB, length: MIB, filling: 'noise' },
    ] as const;
    const path = join(folder, 'small');
    await writeImage(path, 8 * MIB, pieces, { compressionLevel: 6 });
    const report = await assertSound({ path, format: 'qcow2' });
    assert.equal(report['compressed-clusters'], 64);
    assert.equal(report['allocated-clusters'], 80);
    const { size } = await stat(path);
    assert.ok(size < 3 * MIB, `${size} bytes`);
  });

  it('compresses a cluster that comes in parts, once it is whole', async () => {
    const pieces = Array.from({ length: 64 }, (_, at) => {
      return { offset: at * 16384, length: 16384, filling: 'text' } as const;
    });
    const path = join(folder, 'parts');
    await writeImage(path, MIB, shuffle(pieces), { compressionLevel: 1 });
    const report = await assertSound({ path, format: 'qcow2' });
    assert.equal(report['compressed-clusters'], 16);
  });

  describe('that goes on from a mark', () => {
    const capacityBytes = 4 * MIB;
    const L1 = 2 * CLUSTER;
    const L2 = 4 * CLUSTER;
    let mark: DiskMark;
    before(async () => {
      const pieces = [{ offset: 0, length: MIB, filling: 'noise' }] as const;
      mark = await writeImage(join(folder, 'marked'), capacityBytes, pieces);
    });

    const resume = async (change: { at: number; bytes: readonly number[] }) => {
      const path = join(folder, 'damaged');
      await copyFile(join(folder, 'marked'), path);
      {
        await using file = await open(path, 'r+');
        await file.write(Buffer.from(change.bytes), 0, change.bytes.length, change.at);
      }
      const { endBytes } = mark;
      await using _writer = await Qcow2Writer.resume(path, { capacityBytes, endBytes });
    };

    const DAMAGES: Readonly<Record<string, { at: number; bytes: readonly number[] }>> = {
      'has another size': { at: 24, bytes: [0, 0, 1] },
      'has lost its L1 table': { at: L1, bytes: Array<number>(8).fill(0) },
      'has a foreign entry in its L1 table': { at: L1, bytes: [0] },
      'has lost an entry of an L2 table': { at: L2 + 8, bytes: Array<number>(8).fill(0) },
      'has two entries for one cluster': { at: L2 + 8, bytes: [0x80, 0, 0, 0, 0, 5, 0, 0] },
      'has an entry for its own tables': { at: L2, bytes: [0x80, 0, 0, 0, 0, 2, 0, 0] },
      'has an entry that lies between clusters': { at: L2 + 6, bytes: [2] },
      'has a compressed cluster where another is': { at: L2, bytes: [0x40, 0, 0, 0, 0, 6, 0, 0] },
      'has lost the block of its refcounts': { at: CLUSTER, bytes: Array<number>(8).fill(0) },
      'has that block out of line': { at: CLUSTER + 7, bytes: [1] },
    };

    for (const [what, change] of Object.entries(DAMAGES)) {
      it(`refuses a file that ${what}`, async () => {
        await assert.rejects(resume(change), (thrown) => isErrorKind(thrown, 'data_loss'));
      });
    }

    it('takes the file as it was', async () => {
      await resume({ at: mark.endBytes, bytes: [1, 2, 3] });
    });
  });
});
