import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DEFAULT_TIME_RANGE,
  TIME_RANGES,
  between,
  parseTimeRange,
  spanOf,
  timeRangeToText,
} from './time-range.ts';

describe('parseTimeRange', () => {
  it('reads back every time that the picker offers', () => {
    for (const text of TIME_RANGES) assert.equal(timeRangeToText(parseTimeRange(text)), text);
  });

  it('reads a chosen time in either order', () => {
    const range = { kind: 'between', from: 1_795_290_000, to: 1_795_293_600 };
    assert.deepEqual(parseTimeRange('1795290000-1795293600'), range);
    assert.deepEqual(parseTimeRange('1795293600-1795290000'), range);
    assert.equal(timeRangeToText(between(1_795_290_000, 1_795_293_600)), '1795290000-1795293600');
  });

  it('takes the default for what somebody mistyped', () => {
    for (const raw of ['', '1 hour', '-1h', '1795290000-', 7, undefined, null]) {
      assert.deepEqual(parseTimeRange(raw), DEFAULT_TIME_RANGE, String(raw));
    }
  });
});

describe('between', () => {
  it('is never so short that there is nothing to see', () => {
    assert.deepEqual(between(1000, 1000.4), { kind: 'between', from: 1000, to: 1010 });
  });
});

describe('spanOf', () => {
  it('ends now, or where it was chosen to', () => {
    const range = parseTimeRange('5m');
    assert.deepEqual(spanOf(range, 1_000_000_900), { from: 999_700, to: 1_000_000 });
    assert.equal(spanOf(between(1, 100), 5).to, 100);
  });
});
