/** What every implementation of the port DiskWriter does. */
import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { DiskChunk } from '#disks/disk-reader.ts';
import type { DiskFormat, DiskMark, DiskWriter } from '#disks/disk-writer.ts';
import { openDiskWriter } from '#disks/open-disk-writer.ts';
import { isErrorKind } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { shuffle, toChunk, writeModel, type Filling, type Piece } from '#test/disk-content.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { assertSameDisk, assertSound, convertImage } from '#test/qemu-img.ts';

export interface DiskWriterKind {
  readonly format: DiskFormat;
  readonly compressionLevel?: number;
}

const KIB = 1024;
const TIB = 1024 * GIB;

interface Disk {
  readonly capacityBytes: number;
  readonly pieces: readonly Piece[];
}

function row(count: number, length: number, filling: Filling, step = length): Piece[] {
  return Array.from({ length: count }, (_, index) => ({ offset: index * step, length, filling }));
}

const DISKS: Readonly<Record<string, Disk>> = {
  'a size that no cluster divides': {
    capacityBytes: MIB + 1536,
    pieces: [
      { offset: 64 * KIB, length: 64 * KIB, filling: 'text' },
      { offset: MIB, length: 1536, filling: 'text' },
    ],
  },
  'nothing on it': { capacityBytes: 64 * MIB, pieces: [] },
  'nothing but zeros': { capacityBytes: 64 * MIB, pieces: row(8, MIB, 'zeros') },
  'a single sector': { capacityBytes: 512, pieces: row(1, 512, 'noise') },
  'data and then zeros to the end': {
    capacityBytes: 3 * MIB,
    pieces: [...row(1, MIB, 'noise'), { offset: MIB, length: MIB, filling: 'zeros' }],
  },
  '3 TiB that are nearly empty': {
    capacityBytes: 3 * TIB,
    pieces: [
      { offset: 0, length: MIB, filling: 'text' },
      { offset: TIB + 512, length: 128 * KIB, filling: 'noise' },
      { offset: 3 * TIB - 512, length: 512, filling: 'text' },
    ],
  },
  'pieces of all sizes in no order': {
    capacityBytes: 8 * MIB,
    pieces: shuffle([
      ...row(100, 512, 'text', 1024),
      ...row(20, 40 * KIB, 'noise').map((piece) => ({ ...piece, offset: piece.offset + MIB })),
      ...row(20, 64 * KIB, 'mixed').map((piece) => ({ ...piece, offset: piece.offset + 2 * MIB })),
      ...row(3, MIB, 'noise').map((piece) => ({ ...piece, offset: piece.offset + 4 * MIB + 512 })),
    ]),
  },
};

export function testDiskWriter(name: string, kind: DiskWriterKind): void {
  describe(`${name}, as a DiskWriter`, () => {
    let folder = '';
    let files = 0;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'drover-disk-writer-'));
    });
    after(() => rm(folder, { recursive: true, force: true }));

    const newPath = (word: string) => {
      files += 1;
      return join(folder, `${word}-${files}`);
    };
    const openWriter = (path: string, capacityBytes: number, mark?: DiskMark) =>
      openDiskWriter({ path, capacityBytes, mark, ...kind });

    /** QEMU finds nothing wrong with it, and the same in it as in what it made itself. */
    const assertHolds = async (
      path: string,
      capacityBytes: number,
      chunks: Iterable<DiskChunk>,
    ) => {
      const image = { path, format: kind.format };
      const model = { path: newPath('model'), format: 'raw' } as const;
      await writeModel(model.path, capacityBytes, chunks);
      if (kind.format === 'qcow2') await assertSound(image);
      await assertSameDisk(image, model);
      return model;
    };

    for (const [what, { capacityBytes, pieces }] of Object.entries(DISKS)) {
      it(`writes a disk of ${what}`, async () => {
        const path = newPath('image');
        await using writer = await openWriter(path, capacityBytes);
        const chunks = pieces.map(toChunk);
        for (const { offset, data } of chunks) await writer.write(offset, Buffer.from(data));
        await writer.finish();
        const model = await assertHolds(path, capacityBytes, chunks);
        const converted = { path: newPath('converted'), format: kind.format };
        await convertImage(model, converted);
        await assertSameDisk({ path, format: kind.format }, converted);
      });
    }

    it('leaves out what is zero', async () => {
      const path = newPath('image');
      await using writer = await openWriter(path, 64 * MIB);
      for (let at = 0; at < 64; at += 1) await writer.write(at * MIB, Buffer.alloc(MIB));
      await writer.write(0, Buffer.alloc(4096, 1));
      await writer.finish();
      const { blocks } = await stat(path);
      assert.ok(blocks * 512 < MIB, `it takes ${blocks * 512} bytes`);
      assert.ok(writer.writtenBytes < MIB);
    });

    it('takes many writes at once, from whoever does not wait', async () => {
      const path = newPath('image');
      await using writer = await openWriter(path, 8 * MIB);
      const chunks = shuffle(row(64, 128 * KIB, 'noise')).map(toChunk);
      await Promise.all(chunks.map(({ offset, data }) => writer.write(offset, Buffer.from(data))));
      await writer.finish();
      await assertHolds(path, 8 * MIB, chunks);
    });

    it('goes on from any of its marks, whatever the file has become since', async () => {
      const capacityBytes = 8 * MIB + 512;
      const pieces = shuffle([
        ...row(40, 64 * KIB, 'mixed', 128 * KIB),
        ...row(40, 64 * KIB, 'noise', 128 * KIB).map((piece) => ({
          ...piece,
          offset: piece.offset + 64 * KIB,
        })),
        ...row(40, 1536, 'text').map((piece) => ({ ...piece, offset: piece.offset + 6 * MIB })),
        { offset: 8 * MIB, length: 512, filling: 'text' } as const,
      ]);
      const chunks = pieces.map(toChunk);
      const path = newPath('image');
      await using writer = await openWriter(path, capacityBytes);
      const crashes: { path: string; mark: DiskMark; from: number }[] = [];
      let marked: { mark: DiskMark; from: number } | undefined;
      for (const [index, { offset, data }] of chunks.entries()) {
        await writer.write(offset, Buffer.from(data));
        // Just after a mark, in the middle between two, and after the next that nobody heard of.
        if (marked !== undefined && [0, 15].includes(index % 40)) {
          crashes.push(await crash(path, marked));
        }
        if (index % 40 !== 39) continue;
        const mark = await writer.flush();
        if (marked !== undefined) crashes.push(await crash(path, marked));
        marked = { mark, from: index + 1 };
      }
      await writer.finish();
      await assertHolds(path, capacityBytes, chunks);
      assert.equal(crashes.length, 7);
      for (const { path: crashed, mark, from } of crashes) {
        await using resumed = await openWriter(crashed, capacityBytes, mark);
        for (const { offset, data } of chunks.slice(from)) {
          await resumed.write(offset, Buffer.from(data));
        }
        await resumed.finish();
        await assertHolds(crashed, capacityBytes, chunks);
      }
    });

    /** As the file is just then, and with bytes behind it that nobody has written. */
    async function crash(path: string, marked: { mark: DiskMark; from: number }) {
      const crashed = newPath('crashed');
      await copyFile(path, crashed);
      if (kind.format === 'qcow2') await appendFile(crashed, Buffer.alloc(100_000, 0xa5));
      return { path: crashed, ...marked };
    }

    it('is a whole image at every mark', async () => {
      const path = newPath('image');
      await using writer = await openWriter(path, 4 * MIB);
      const chunks = shuffle(row(64, 64 * KIB, 'text')).map(toChunk);
      for (const [index, { offset, data }] of chunks.entries()) {
        await writer.write(offset, Buffer.from(data));
        if (index % 16 !== 15) continue;
        await writer.flush();
        await assertHolds(path, 4 * MIB, chunks.slice(0, index + 1));
      }
    });

    it('holds what was written in any pieces, with marks and crashes in between', async () => {
      await fc.assert(
        fc.asyncProperty(someWork(), async ({ capacityBytes, steps }) => {
          const path = newPath('image');
          let writer = await openWriter(path, capacityBytes);
          const written: DiskChunk[] = [];
          for (const { piece, next } of steps) {
            const chunk = toChunk(piece);
            written.push(chunk);
            await writer.write(chunk.offset, Buffer.from(chunk.data));
            if (next === 'nothing') continue;
            const mark = await writer.flush();
            if (next === 'mark') continue;
            await writer[Symbol.asyncDispose]();
            writer = await openWriter(path, capacityBytes, mark);
          }
          await writer.finish();
          await writer[Symbol.asyncDispose]();
          await assertHolds(path, capacityBytes, written);
        }),
        { numRuns: 10 },
      );
    });

    it('does not go on from a file that has lost what it had', async () => {
      const path = newPath('image');
      const mark = await writeSome(path);
      await assert.rejects(
        openWriter(path, 4 * MIB, { ...mark, endBytes: mark.endBytes + 64 * KIB }),
        (thrown) => isErrorKind(thrown, 'data_loss'),
      );
      await assert.rejects(openWriter(join(folder, 'nowhere'), 4 * MIB, mark));
    });

    async function writeSome(path: string): Promise<DiskMark> {
      await using writer = await openWriter(path, 4 * MIB);
      await writer.write(0, toChunk({ offset: 0, length: MIB, filling: 'noise' }).data);
      return await writer.flush();
    }

    it('says that the file system is full, and leaves the file', async (t) => {
      using disk = SmallDisk.mount(t, 4);
      if (disk === undefined) return;
      const path = join(disk.path, 'image');
      {
        await using writer: DiskWriter = await openWriter(path, 64 * MIB);
        const work = async () => {
          for (const { offset, data } of row(32, MIB, 'noise').map(toChunk)) {
            await writer.write(offset, data);
          }
          await writer.finish();
        };
        const isFull = (thrown: unknown) =>
          isErrorKind(thrown, 'resource_exhausted') && /file system/.test(String(thrown));
        await assert.rejects(work(), isFull);
        await assert.rejects(writer.flush(), isFull);
      }
      assert.ok((await stat(path)).isFile());
    });
  });
}

interface Work {
  readonly capacityBytes: number;
  readonly steps: readonly {
    readonly piece: Piece;
    readonly next: 'nothing' | 'mark' | 'crash';
  }[];
}

/** The disk is cut into pieces of random lengths, which come in a random order, or not at all. */
function someWork(): fc.Arbitrary<Work> {
  const step = fc.record({
    sectors: fc.integer({ min: 1, max: 300 }),
    filling: fc.constantFrom<Filling>('zeros', 'text', 'mixed', 'noise'),
    rank: fc.integer(),
    isLeftOut: fc.boolean(),
    next: fc.constantFrom('nothing' as const, 'nothing', 'nothing', 'mark', 'crash'),
  });
  return fc.array(step, { minLength: 1, maxLength: 30 }).map((parts) => {
    let sector = 0;
    const placed = parts.map((part) => {
      const offset = sector * 512;
      sector += part.sectors;
      const piece = { offset, length: part.sectors * 512, filling: part.filling };
      return { ...part, piece };
    });
    const steps = placed
      .filter(({ isLeftOut }) => !isLeftOut)
      .toSorted((one, other) => one.rank - other.rank);
    return { capacityBytes: sector * 512, steps };
  });
}
