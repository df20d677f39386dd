import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alignSeries } from './align-series.ts';

describe('alignSeries', () => {
  it('puts histories on one row of times, and leaves gaps where one has nothing', () => {
    const read = { times: [10, 20], stepS: 10, series: [one([1, null])] };
    const sent = { times: [20, 30], stepS: 10, series: [one([2, 3])] };
    const none = { times: [], stepS: 10, series: [] };
    const named = [['read', read] as const, ['sent', sent] as const, ['none', none] as const];
    assert.deepEqual(alignSeries(named), {
      times: [10, 20, 30],
      stepS: 10,
      series: [
        { label: 'read', values: [1, null, null] },
        { label: 'sent', values: [null, 2, 3] },
        { label: 'none', values: [null, null, null] },
      ],
    });
  });
});

function one(values: readonly (number | null)[]) {
  return { metric: undefined, labels: {}, values };
}
