import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extendHistory, spreadOver } from './history-window.ts';

const labels = { server: 'web-1' };
const one = (times: number[], values: (number | null)[], metric = 'cpu') => ({
  ...{ times, stepS: 10, series: [{ metric, labels, values }] },
});

describe('a history that goes on', () => {
  it('keeps what it knows, lets go what is too old, and believes the newer answer', () => {
    const known = one([10, 20, 30, 40], [1, 2, 3, 4]);
    const next = extendHistory(known, one([30, 40, 50], [3, 5, 6]), 10);
    assert.deepEqual(next.times, [20, 30, 40, 50]);
    assert.deepEqual(next.series[0]?.values, [2, 3, 5, 6]);
  });

  it('has a gap where nothing came, and keeps all when nothing new came', () => {
    const known = one([10, 20], [1, 2]);
    assert.deepEqual(extendHistory(known, one([50], [5]), 0).series[0]?.values, [
      ...[1, 2, null, null, 5],
    ]);
    const nothing = { times: [], stepS: 10, series: [] };
    assert.deepEqual(extendHistory(known, nothing, 0), known);
  });

  it('takes in series that begin, and drops those that are over', () => {
    const known = one([10, 20], [1, null]);
    const next = extendHistory(known, one([30], [7], 'gpu'), 10);
    assert.deepEqual(
      next.series.map(({ metric }) => metric),
      ['gpu'],
    );
  });
});

describe('a small chart', () => {
  it('shows nothing where nothing was measured, before and after', () => {
    const history = one([30, 40], [3, 4]);
    const [series] = history.series;
    const shown = spreadOver(history, series?.values ?? [], { from: 10, to: 65 });
    assert.deepEqual(shown, [null, 3, 4, null, null]);
  });
});
