import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stackSeries } from './stack-series.ts';

describe('stackSeries', () => {
  it('adds up from the bottom, and knows nothing on top of what is not known', () => {
    assert.deepEqual(
      stackSeries([
        [1, null, 3],
        [10, 20, null],
        [5, 5, 5],
      ]),
      [
        [1, null, 3],
        [11, null, null],
        [16, null, null],
      ],
    );
  });
});
