import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filterRows, parseSort, sortRows, sortToText } from './sort-rows.ts';

describe('sortRows', () => {
  it('sorts numbers within names as numbers', () => {
    const sorted = sortRows(['vm-10', 'vm-9', 'VM-1'], (name) => name, false);
    assert.deepEqual(sorted, ['VM-1', 'vm-9', 'vm-10']);
  });

  it('puts what is not known last, in either direction', () => {
    const rows = [3, null, 1];
    assert.deepEqual(
      sortRows(rows, (row) => row, false),
      [1, 3, null],
    );
    assert.deepEqual(
      sortRows(rows, (row) => row, true),
      [3, 1, null],
    );
  });

  it('keeps the order of equals', () => {
    const rows = ['b1', 'a1', 'b2', 'a2'];
    assert.deepEqual(
      sortRows(rows, (row) => row[0], true),
      ['b1', 'b2', 'a1', 'a2'],
    );
  });
});

describe('filterRows', () => {
  it('wants every word, in any of the texts', () => {
    const rows = [
      ['web-1', 'Running'],
      ['web-2', null],
      ['db-1', 'running'],
    ] as const;
    assert.deepEqual(
      filterRows(rows, ' RUN web', (row) => row),
      [rows[0]],
    );
    assert.equal(
      filterRows(rows, '', (row) => row),
      rows,
    );
  });
});

describe('parseSort', () => {
  it('reads back what it wrote, and knows the columns', () => {
    const fallback = { column: 'name', descending: false };
    const sort = { column: 'cpu', descending: true };
    assert.deepEqual(parseSort(sortToText(sort), ['name', 'cpu'], fallback), sort);
    assert.equal(parseSort('-memory', ['name', 'cpu'], fallback), fallback);
  });
});
