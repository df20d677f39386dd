import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { markDisks, rateOf, type DiskMarks } from './disk-rates.ts';

function marked(...steps: readonly (readonly [atMs: number, bytes: number])[]): DiskMarks {
  let marks: DiskMarks = new Map();
  for (const [atMs, bytes] of steps) {
    marks = markDisks(marks, [{ name: 'a', current_bytes: bytes, total_bytes: 100_000 }], atMs);
  }
  return marks;
}

describe('the rate of a disk', () => {
  it('is not known of one look, or of two in an instant', () => {
    assert.equal(rateOf(undefined, 0), null);
    assert.equal(rateOf(marked([0, 0]).get('a'), 1000), null);
    assert.equal(rateOf(marked([0, 0], [100, 50]).get('a'), 100), null);
  });

  it('is that of the last seconds', () => {
    assert.equal(rateOf(marked([0, 0], [1000, 500]).get('a'), 1000), 500);
    assert.equal(rateOf(marked([0, 0], [20_000, 900], [21_000, 1000]).get('a'), 21_000), 100);
    assert.equal(rateOf(marked([0, 500], [1000, 500], [2000, 500]).get('a'), 2000), 0);
  });

  it('falls while nothing comes', () => {
    const marks = marked([0, 0], [1000, 500]).get('a');
    assert.equal(rateOf(marks, 5000), 100);
    assert.equal(rateOf(marks, 60_000), 0);
  });

  it('begins anew when the disk does', () => {
    assert.equal(rateOf(marked([0, 0], [1000, 900], [2000, 0]).get('a'), 3000), null);
  });
});
