import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { isErrorKind } from '#kernel/errors.ts';
import { someBytes } from '#test/disks/generated-disk.ts';
import { DiskWork } from './disk-work.ts';

const BLOCK = 4096;

/** Puts pieces into memory of `work`, as who reads a disk does. */
function pack(work: DiskWork, pieces: readonly Uint8Array[]) {
  const packed = work.takePacked(work.mostPackedBytes);
  let at = 0;
  const places = pieces.map((piece) => {
    packed.set(piece, at);
    at += piece.byteLength;
    return [at - piece.byteLength, piece.byteLength] as const;
  });
  const into = work.takeBuffer(pieces.length * BLOCK);
  return { packed, pieces: places, into, mostBytes: BLOCK };
}

const KINDS = {
  'this thread alone': () => DiskWork.alone(),
  'a thread beside it': () => new DiskWork({ sideThreadFromBytes: 0 }),
};

for (const [kind, create] of Object.entries(KINDS)) {
  describe(`DiskWork, by ${kind}`, () => {
    it('does more jobs at once than it has room for, each as it should be', async () => {
      await using work = create();
      const jobs = Array.from({ length: 60 }, async (_, n) => {
        const contents = [someBytes(n, BLOCK), someBytes(n + 1, BLOCK / 2)];
        const job = pack(
          work,
          contents.map((content) => deflateSync(content)),
        );
        assert.deepEqual(await work.inflate(job), { lengths: [BLOCK, BLOCK / 2] });
        const all = Buffer.concat(contents);
        assert.ok(all.equals(job.into.subarray(0, all.byteLength)));
        const hashes = await work.hash({
          data: job.into.subarray(0, all.length),
          blockBytes: BLOCK,
        });
        const expected = contents.map((content) => hash('sha256', content, 'buffer'));
        assert.deepEqual(Buffer.from(hashes), Buffer.concat(expected));
        work.giveBack(job.packed);
        work.giveBack(job.into);
      });
      await Promise.all(jobs);
    });

    it('says which piece does not inflate, and goes on', async () => {
      await using work = create();
      const good = deflateSync(someBytes(1, BLOCK));
      const bad = await work.inflate(pack(work, [good, good.subarray(0, -9), good]));
      assert.deepEqual(bad.lengths, [BLOCK]);
      assert.match(bad.failure ?? '', /unexpected end/);
      assert.deepEqual(await work.inflate(pack(work, [good])), { lengths: [BLOCK] });
    });

    it('names no hash for a block that is zero', async () => {
      await using work = create();
      const data = work.takeBuffer(3 * BLOCK).fill(0);
      data[BLOCK] = 1;
      const hashes = await work.hash({ data, blockBytes: BLOCK });
      const middle = createHash('sha256')
        .update(data.subarray(BLOCK, 2 * BLOCK))
        .digest();
      assert.deepEqual(
        Buffer.from(hashes),
        Buffer.concat([Buffer.alloc(32), middle, Buffer.alloc(32)]),
      );
    });

    it('does nothing more after its end, and leaves nobody waiting', async () => {
      const work = create();
      const data = work.takeBuffer(BLOCK);
      const jobs = Array.from({ length: 30 }, () => work.hash({ data, blockBytes: BLOCK }));
      const all = Promise.allSettled(jobs);
      await work[Symbol.asyncDispose]();
      assert.equal((await all).length, 30);
      const late = work.hash({ data, blockBytes: BLOCK });
      await assert.rejects(late, (thrown) => isErrorKind(thrown, 'cancelled'));
    });
  });
}
