import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sparklinePaths } from './sparkline-path.ts';

const FRAME = { width: 30, height: 10, min: 0, max: 100 };

describe('sparklinePaths', () => {
  it('leaves a gap where nothing is known', () => {
    const { line, area } = sparklinePaths([0, 100, null, 50], FRAME);
    assert.equal(line, 'M0 10L10 0M30 5h0');
    assert.equal(area, 'M0 10L0 10L10 0L10 10ZM30 10L30 5L30 10Z');
  });

  it('draws nothing of nothing', () => {
    assert.deepEqual(sparklinePaths([null, null], FRAME), { line: '', area: '' });
  });
});
