import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fill } from '#test/disk-content.ts';
import { DiskDigests, EXTENT_BYTES } from './disk-digests.ts';

const KIB = 1024;

function digestsOf(capacityBytes: number, parts: readonly { offset: number; data: Buffer }[]) {
  const digests = new DiskDigests(capacityBytes);
  for (const { offset, data } of parts) digests.add(offset, data);
  digests.close();
  return digests;
}

describe('DiskDigests', () => {
  it('are the same whatever the order and the lengths of what comes', () => {
    const capacityBytes = 512 * 1000;
    const disk = fill('noise', 0, capacityBytes);
    disk.fill(0, 100 * KIB, 300 * KIB);
    const whole = digestsOf(capacityBytes, [{ offset: 0, data: disk }]);
    const property = fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 20 }),
      fc.infiniteStream(fc.integer()),
      (cuts, ranks) => {
        const ends = [...cuts.toSorted((one, other) => one - other), 1000];
        const parts = ends.map((end, index) => {
          const offset = (ends[index - 1] ?? 0) * 512;
          return { offset, data: disk.subarray(offset, end * 512), rank: ranks.next().value };
        });
        const order = parts.toSorted((one, other) => Number(one.rank) - Number(other.rank));
        const found = digestsOf(capacityBytes, order);
        assert.equal(found.findDifference(whole), undefined);
      },
    );
    fc.assert(property, { numRuns: 50 });
  });

  it('count nothing for zeros, whether they came or not', () => {
    const none = new DiskDigests(EXTENT_BYTES);
    const zeros = digestsOf(EXTENT_BYTES, [{ offset: 0, data: Buffer.alloc(EXTENT_BYTES) }]);
    assert.equal(zeros.findDifference(none), undefined);
    assert.equal(zeros.zeroBytes, EXTENT_BYTES);
    assert.deepEqual(zeros.takeChanged(), []);
  });

  it('name the extent in which a single bit differs', () => {
    const capacityBytes = 2 * EXTENT_BYTES + 512;
    for (const at of [0, EXTENT_BYTES + 70_000, 2 * EXTENT_BYTES]) {
      const data = fill('text', 0, 512);
      const offset = at - (at % 512);
      const right = digestsOf(capacityBytes, [{ offset, data }]);
      const flipped = Buffer.from(data);
      flipped[7] = (flipped[7] ?? 0) ^ 4;
      const wrong = digestsOf(capacityBytes, [{ offset, data: flipped }]);
      const extent = at - (at % EXTENT_BYTES);
      const length = Math.min(EXTENT_BYTES, capacityBytes - extent);
      assert.deepEqual(wrong.findDifference(right), { offset: extent, length });
    }
  });

  it('tell a block from the same block elsewhere', () => {
    const data = fill('text', 0, 64 * KIB);
    const here = digestsOf(EXTENT_BYTES, [{ offset: 0, data }]);
    const there = digestsOf(EXTENT_BYTES, [{ offset: 64 * KIB, data }]);
    const twice = digestsOf(EXTENT_BYTES, [
      { offset: 0, data },
      { offset: 64 * KIB, data },
    ]);
    assert.notEqual(here.findDifference(there), undefined);
    assert.notEqual(twice.findDifference(new DiskDigests(EXTENT_BYTES)), undefined);
  });

  it('hold a bounded number of blocks that came in part, and say when that is too few', () => {
    const digests = new DiskDigests(1024 * EXTENT_BYTES);
    for (let block = 0; block < 1000; block += 1) {
      digests.add(block * 64 * KIB, fill('text', block * 64 * KIB, 512));
    }
    assert.throws(
      () => digests.add(512, fill('text', 512, 512)),
      (thrown) => String(thrown).includes('too scattered'),
    );
  });
});
