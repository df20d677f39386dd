import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alignHistory } from './history.ts';

describe('alignHistory', () => {
  it('puts series on one row of times, with gaps where there was nothing', () => {
    const { times, series } = alignHistory({
      step: 10,
      series: [
        {
          metric: 'a',
          labels: {},
          points: [
            [10, 1],
            [20, null],
            [50, 5],
          ],
        },
        { labels: { mode: 'user' }, points: [[20, 7]] },
      ],
    });
    assert.deepEqual(times, [10, 20, 30, 40, 50]);
    assert.deepEqual(
      series.map(({ values }) => values),
      [
        [1, null, null, null, 5],
        [null, 7, null, null, null],
      ],
    );
  });

  it('is empty of nothing', () => {
    assert.deepEqual(alignHistory({ step: 10, series: [] }).times, []);
  });
});
