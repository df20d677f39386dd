import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationToText, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  for (const [raw, expected] of [
    [0, 0],
    [90, 90_000],
    [1.5, 1500],
    ['300', 300_000],
    ['0.25', 250],
    ['5m', 300_000],
    [' 1h30m ', 5_400_000],
    ['2w1d', 1_296_000_000],
    ['250ms', 250],
    ['1m250ms', 60_250],
    ['', undefined],
    ['5 m', undefined],
    ['-5m', undefined],
    [-1, undefined],
    [NaN, undefined],
    [Infinity, undefined],
    ['1y', undefined],
    ['m', undefined],
    [null, undefined],
    [true, undefined],
  ] as const) {
    it(`reads ${JSON.stringify(raw)} as ${expected}`, () => {
      assert.equal(parseDuration(raw), expected);
    });
  }
});

describe('durationToText', () => {
  it('is read back as the same length', () => {
    for (const ms of [0, 1, 250, 1000, 61_001, 5_400_000, 86_400_000, 694_861_001]) {
      assert.equal(parseDuration(durationToText(ms)), ms);
    }
    assert.equal(durationToText(5_400_000), '1h30m');
    assert.equal(durationToText(0), '0s');
  });
});
