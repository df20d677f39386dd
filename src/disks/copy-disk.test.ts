import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, mock } from 'node:test';
import { deflateSync } from 'node:zlib';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MIB } from '#kernel/units.ts';
import { createPieceReader, toChunk, writeModel, type Piece } from '#test/disk-content.ts';
import { someBytes } from '#test/disks/generated-disk.ts';
import { buildStream } from '#test/disks/vmdk-stream.ts';
import { assertSameDisk, assertSound } from '#test/qemu-img.ts';
import { copyDisk, type CopyMark, type CopyProgress } from './copy-disk.ts';
import { DigestJournal } from './digest-journal.ts';
import { DiskDigests } from './disk-digests.ts';
import type { DiskFormat } from './disk-writer.ts';
import { hashFile } from './hash-file.ts';
import { openDiskImage } from './open-disk-image.ts';
import { openDiskWriter } from './open-disk-writer.ts';
import { verifyDisk } from './verify-disk.ts';
import { DiskWork } from './work/disk-work.ts';

const KIB = 1024;
const CAPACITY = 20 * MIB + 512;
/** Cut where no cluster and no block ends, with holes, zeros and a last sector. */
const PIECES: readonly Piece[] = [
  ...Array.from({ length: 100 }, (_, index) => ({
    offset: index * 150 * KIB + 512,
    length: 140 * KIB,
    filling: (['text', 'noise', 'zeros'] as const)[index % 3] ?? 'zeros',
  })),
  { offset: 20 * MIB, length: 512, filling: 'text' },
];
const MOVED = PIECES.reduce((sum, { length }) => sum + length, 0);

const clock = new FakeClock();
const { signal } = new AbortController();

interface Copied {
  readonly image: string;
  readonly journal: string;
  readonly mark: CopyMark;
}

describe('copyDisk', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-copy-'));
    await writeModel(join(folder, 'model'), CAPACITY, PIECES.map(toChunk));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** `onMark` may throw, which is how a copy ends that is cut off. */
  async function copy(
    to: { readonly image: string; readonly format: DiskFormat; readonly from?: Copied },
    onMark: (mark: CopyMark) => Promise<void>,
  ): Promise<CopyProgress> {
    const { image, format, from } = to;
    const capacityBytes = CAPACITY;
    const path = `${image}.digests`;
    await using journal =
      from === undefined
        ? await DigestJournal.create(path, capacityBytes)
        : await DigestJournal.resume(path, { capacityBytes, endBytes: from.mark.journalBytes });
    await using writer = await openDiskWriter({
      ...{ path: image, format, capacityBytes },
      mark: from?.mark.image,
    });
    await using reader = createPieceReader(CAPACITY, PIECES);
    const { digests } = journal;
    return await copyDisk({
      ...{ reader, writer, digests, clock, signal },
      fromOffset: from?.mark.offset ?? 0,
      marks: { journal, onMark, everyBytes: 2 * MIB },
    });
  }

  async function verify(image: string, mark: CopyMark): Promise<void> {
    const at = { capacityBytes: CAPACITY, endBytes: mark.journalBytes };
    await using journal = await DigestJournal.resume(`${image}.digests`, at);
    await using reader = await openDiskImage(image, { signal });
    await verifyDisk(reader, journal.digests, { clock, signal });
  }

  const model = () => ({ path: join(folder, 'model'), format: 'raw' }) as const;

  for (const format of ['raw', 'qcow2'] as const) {
    it(`goes on from any mark of a ${format} image, and comes to the same`, async () => {
      const image = join(folder, `whole.${format}`);
      const saved: Copied[] = [];
      const progress = await copy({ image, format }, async (mark) => {
        const kept = join(folder, `kept-${saved.length}.${format}`);
        await copyFile(image, kept);
        await copyFile(`${image}.digests`, `${kept}.digests`);
        saved.push({ image: kept, journal: `${kept}.digests`, mark });
      });
      assert.equal(progress.doneBytes, CAPACITY);
      assert.equal(progress.movedBytes, MOVED);
      assert.ok(saved.length >= 6, `${saved.length} marks`);
      for (const from of saved.slice(0, -1)) {
        let last: CopyMark | undefined;
        const resumed = await copy({ image: from.image, format, from }, async (mark) => {
          last = mark;
        });
        assert.ok(resumed.movedBytes < MOVED - from.mark.offset * 0.9 + 64 * KIB);
        assert.ok(last !== undefined);
        await verify(from.image, last);
        if (format === 'qcow2') await assertSound({ path: from.image, format });
        await assertSameDisk({ path: from.image, format }, model());
      }
    });
  }

  it('uses the memory of a disk again and again, and hands it to a second thread', async () => {
    const grains = Array.from({ length: 240 }, (_, index) => ({
      diskOffset: index * 64 * KIB,
      data: index % 50 === 7 ? Buffer.alloc(64 * KIB) : someBytes(index, 64 * KIB),
    }));
    const capacityBytes = 18 * MIB;
    const packed = (data: Uint8Array) => deflateSync(data, { level: 1 });
    const stream = join(folder, 'disk.vmdk');
    await writeFile(stream, buildStream({ capacityBytes, grains, packed }));
    for (const to of [{ format: 'raw' }, { format: 'qcow2', compressionLevel: 1 }] as const) {
      const path = join(folder, `again.${to.format}`);
      await using work = new DiskWork({ sideThreadFromBytes: 0 });
      const taken = mock.method(work, 'takeBuffer');
      await using reader = await openDiskImage(stream, { signal });
      const giveBack = (data: Uint8Array) => work.giveBack(data);
      await using writer = await openDiskWriter({ ...to, path, capacityBytes }, giveBack);
      const digests = new DiskDigests(capacityBytes);
      await copyDisk({ reader, writer, digests, clock, signal, work });
      await using image = await openDiskImage(path, { signal });
      await verifyDisk(image, digests, { clock, signal, work });
      await assertSameDisk({ path, format: to.format }, { path: stream, format: 'vmdk' });
      const memories = new Set(taken.mock.calls.map(({ result }) => result?.buffer));

      assert.ok(memories.size < taken.mock.callCount() * 0.7, `${memories.size} pieces of memory`);
    }
  });

  it('tells of an image that was changed, and where', async () => {
    const image = join(folder, 'changed.raw');
    let last: CopyMark | undefined;
    await copy({ image, format: 'raw' }, async (mark) => {
      last = mark;
    });
    assert.ok(last !== undefined);
    await verify(image, last);
    {
      await using file = await open(image, 'r+');
      await file.write(Buffer.from([1]), 0, 1, 17 * MIB);
    }
    await assert.rejects(verify(image, last), (thrown) => {
      return isErrorKind(thrown, 'data_loss') && String(thrown).includes(`between ${16 * MIB} and`);
    });
  });

  /** With a reader of these pieces. */
  async function copyPieces(
    pieces: readonly Piece[],
    options: Partial<Parameters<typeof copyDisk>[0]> = {},
  ): Promise<CopyProgress> {
    const path = join(folder, 'pieces.raw');
    await using writer = await openDiskWriter({ path, format: 'raw', capacityBytes: 4 * MIB });
    await using reader = createPieceReader(4 * MIB, pieces);
    const digests = new DiskDigests(4 * MIB);
    return await copyDisk({ reader, writer, digests, clock, signal, ...options });
  }

  it('refuses what lies outside of the disk', async () => {
    for (const offset of [4 * MIB, 4 * MIB - 512, -512, 100]) {
      const piece = { offset, length: 1024, filling: 'text' } as const;
      await assert.rejects(copyPieces([piece]), (thrown) => isErrorKind(thrown, 'data_loss'));
    }
  });

  it('refuses to resume what comes in no order', async () => {
    const pieces = [2, 1, 0].map(
      (at) => ({ offset: at * MIB, length: MIB, filling: 'text' }) as const,
    );
    const path = join(folder, 'order.digests');
    await using journal = await DigestJournal.create(path, 4 * MIB);
    const marks = { journal, everyBytes: MIB, onMark: () => Promise.resolve() };
    await assert.rejects(
      copyPieces(pieces, { digests: journal.digests, marks }),
      (thrown) => thrown instanceof DroverError && thrown.reason === 'DISK_OUT_OF_ORDER',
    );
    assert.equal((await copyPieces(pieces)).movedBytes, 3 * MIB);
  });

  it('waits for its limiter, and stops when it is told to', async () => {
    const asked: number[] = [];
    const controller = new AbortController();
    const limiter = {
      take(bytes: number): Promise<void> {
        asked.push(bytes);
        if (asked.length === 3) controller.abort(new Error('enough'));
        return Promise.resolve();
      },
    };
    const pieces = [0, 1, 2, 3].map(
      (at) => ({ offset: at * MIB, length: MIB, filling: 'text' }) as const,
    );
    const stopped = copyPieces(pieces, { limiter, signal: controller.signal });
    await assert.rejects(stopped, /enough/);
    assert.deepEqual(asked, [MIB, MIB, MIB]);
  });
});

describe('hashFile', () => {
  it('says what sha256sum would', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drover-hash-'));
    try {
      const path = join(folder, 'file');
      for (const bytes of [0, 1, MIB, 3 * MIB + 5]) {
        await writeFile(path, Buffer.alloc(bytes, 'some text'));
        const done: number[] = [];
        const found = await hashFile(path, { signal, onProgress: (now) => done.push(now) });
        assert.equal(
          found,
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        );
        assert.equal(done.at(-1) ?? 0, bytes);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
