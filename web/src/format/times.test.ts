import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { axisTime, dateTime, duration, parseInstant, relativeTime, timeIn } from './times.ts';

describe('duration', () => {
  const cases: readonly (readonly [seconds: number | null, text: string])[] = [
    [0.012, '12 ms'],
    [1, '1 s'],
    [0.99999, '1.0 s'],
    [3.14, '3.1 s'],
    [59.6, '1 min'],
    [320, '5 min 20 s'],
    [3600, '1 h'],
    [7260, '2 h 1 min'],
    [273_600, '3 d 4 h'],
    [null, '–'],
  ];
  for (const [seconds, text] of cases) {
    it(`writes ${seconds} s as ${text}`, () => assert.equal(duration(seconds), text));
  }
});

describe('relativeTime', () => {
  it('says how long ago, or in what time, by one part', () => {
    const nowMs = 10_000_000;
    assert.equal(relativeTime(nowMs, nowMs), 'now');
    assert.equal(relativeTime(nowMs - 12_000, nowMs), '12 s ago');
    assert.equal(relativeTime(nowMs + 90_000, nowMs), 'in 1 min');
    assert.equal(relativeTime(nowMs - 49 * 3_600_000, nowMs), '2 d ago');
    assert.equal(relativeTime(undefined, nowMs), '–');
  });
});

describe('timeIn', () => {
  it('is in the time of the zone, on both sides of a change of its clocks', () => {
    const summer = Date.UTC(2026, 9, 24, 0, 30);
    const winter = Date.UTC(2026, 9, 26, 1, 30);
    assert.equal(timeIn('Europe/Berlin', summer), 'Sat, 24 Oct 2026, 02:30');
    assert.equal(timeIn('Europe/Berlin', winter), 'Mon, 26 Oct 2026, 02:30');
    assert.equal(timeIn('UTC', undefined), '–');
  });
});

describe('dateTime', () => {
  it('is in the time of the clock on the wall, to the second', () => {
    assert.equal(dateTime(new Date(2026, 8, 5, 7, 3, 9).getTime()), '05 Sep 2026, 07:03:09');
    assert.equal(dateTime(null), '–');
  });
});

describe('axisTime', () => {
  it('says as much as tells its labels apart', () => {
    const atMs = new Date(2026, 10, 21, 20, 22, 26).getTime();
    const spans = [300, 3600, 30 * 86_400];
    assert.deepEqual(
      spans.map((seconds) => axisTime(atMs, seconds)),
      ['20:22:26', '20:22', '21 Nov'],
    );
  });
});

describe('parseInstant', () => {
  it('reads what the APIs write, and nothing else', () => {
    assert.equal(parseInstant('1970-01-01T00:00:01.000Z'), 1000);
    assert.equal(parseInstant('soon'), undefined);
    assert.equal(parseInstant(null), undefined);
  });
});
