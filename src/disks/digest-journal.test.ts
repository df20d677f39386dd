import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { fill } from '#test/disk-content.ts';
import { DigestJournal } from './digest-journal.ts';
import { DiskDigests, EXTENT_BYTES } from './disk-digests.ts';

const CAPACITY = 100 * EXTENT_BYTES;
const BLOCK = 64 * 1024;
const isDataLoss = (thrown: unknown) => isErrorKind(thrown, 'data_loss');

describe('DigestJournal', () => {
  let path = '';
  before(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'drover-digests-')), 'disk.digests');
  });
  after(() => rm(join(path, '..'), { recursive: true }));

  /** Ten batches, of which each adds to an extent of its own and to one that all share. */
  async function writeBatches(): Promise<{ ends: number[]; states: DiskDigests[] }> {
    await using journal = await DigestJournal.create(path, CAPACITY);
    const ends: number[] = [];
    const states: DiskDigests[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      for (const offset of [batch * BLOCK, (batch + 1) * EXTENT_BYTES]) {
        journal.digests.add(offset, fill('text', offset, BLOCK));
      }
      ends.push(await journal.save());
      const state = new DiskDigests(CAPACITY);
      for (let extent = 0; extent < 100; extent += 1) {
        state.restore(extent, journal.digests.digestOf(extent));
      }
      states.push(state);
    }
    return { ends, states };
  }

  it('gives back the digests as they were at each save', async () => {
    const { ends, states } = await writeBatches();
    await appendFile(path, 'what a crash left there');
    for (const [index, endBytes] of [...ends.entries()].toReversed()) {
      await using journal = await DigestJournal.resume(path, { capacityBytes: CAPACITY, endBytes });
      const state = states[index];
      assert.ok(state !== undefined);
      assert.equal(journal.digests.findDifference(state), undefined);
    }
  });

  it('writes nothing when nothing has changed', async () => {
    await using journal = await DigestJournal.create(path, CAPACITY);
    assert.equal(await journal.save(), await journal.save());
  });

  it('does not believe a file that was changed, cut off, or is of another disk', async () => {
    const { ends } = await writeBatches();
    const endBytes = ends.at(-1) ?? 0;
    const resume = async (capacityBytes: number, end = endBytes) => {
      await using _journal = await DigestJournal.resume(path, { capacityBytes, endBytes: end });
    };
    await assert.rejects(resume(CAPACITY + 512), isDataLoss);
    await assert.rejects(resume(CAPACITY, endBytes + 44), isDataLoss);
    await assert.rejects(resume(CAPACITY, endBytes - 4), isDataLoss);
    {
      await using file = await open(path, 'r+');
      await file.write(Buffer.from([0xff]), 0, 1, 40);
    }
    await assert.rejects(resume(CAPACITY), isDataLoss);
  });
});
