import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rowsInSight } from './row-window.ts';

describe('rowsInSight', () => {
  it('is all of a few rows', () => {
    assert.deepEqual(rowsInSight(150, 32, { topPx: 200, heightPx: 900 }), { first: 0, end: 150 });
  });

  it('is what lies near the window', () => {
    const { first, end } = rowsInSight(2000, 32, { topPx: -32_000, heightPx: 900 });
    assert.ok(first <= 1000 - 10 && first > 900, String(first));
    assert.ok(end >= 1029 && end < 1100, String(end));
  });

  it('stays the same while one scrolls by a few rows', () => {
    const tops = Array.from({ length: 20 }, (_, rows) => -32_000 - rows * 32);
    const windows = tops.map((topPx) => rowsInSight(2000, 32, { topPx, heightPx: 896 }));
    assert.ok(new Set(windows.map(({ first, end }) => `${first} ${end}`)).size <= 5);
  });

  it('never ends beyond the rows, and is not empty at their end', () => {
    const { first, end } = rowsInSight(2000, 32, { topPx: -64_000, heightPx: 900 });
    assert.equal(end, 2000);
    assert.ok(first < 1980);
    assert.equal(rowsInSight(2000, 32, { topPx: -900_000, heightPx: 900 }).end, 2000);
  });
});
