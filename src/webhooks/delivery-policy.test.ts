import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answered } from '#test/webhook-fixture.ts';
import { HOUR_MS } from '#kernel/units.ts';
import {
  GIVE_UP_AFTER_MS,
  isGivenUp,
  judgeOutcome,
  parseRetryAfter,
  retryDelayMs,
} from './delivery-policy.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('an answer', () => {
  const verdicts: Record<string, readonly number[]> = {
    delivered: [200, 201, 202, 204, 299],
    failed: [300, 301, 302, 307, 308, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 599],
    gone: [410],
  };
  for (const [verdict, statuses] of Object.entries(verdicts)) {
    for (const status of statuses) {
      it(`of ${status} means ${verdict}`, () => {
        assert.equal(judgeOutcome(answered(status), NOW).kind, verdict);
      });
    }
  }

  it('may ask for time, in seconds or by a date, for an hour at most', () => {
    const cases: readonly (readonly [string | undefined, number | undefined])[] = [
      [undefined, undefined],
      ['0', 0],
      ['120', 120_000],
      ['999999999', HOUR_MS],
      [new Date(NOW + 30_000).toUTCString(), 30_000],
      [new Date(NOW - 30_000).toUTCString(), 0],
      [new Date(NOW + 9e9).toUTCString(), HOUR_MS],
      ['soon', undefined],
      ['9'.repeat(400), undefined],
      ['', undefined],
    ];
    for (const [text, expected] of cases)
      assert.equal(parseRetryAfter(text, NOW), expected, String(text));
  });
});

describe('the pause after a failure', () => {
  it('doubles from a second to an hour, and is spread over its upper half', () => {
    const pauseOf = (failures: number, chance: number) =>
      retryDelayMs({ failures, chance, retryAfterMs: undefined });
    const longest = [1, 2, 3, 11, 12, 13, 100].map((failures) => pauseOf(failures, 1));
    assert.deepEqual(longest, [1000, 2000, 4000, 1_024_000, 2_048_000, HOUR_MS, HOUR_MS]);
    assert.equal(pauseOf(3, 0), 2000);
    assert.equal(pauseOf(3, 0.5), 3000);
  });

  it('is no shorter than the receiver asks for', () => {
    assert.equal(retryDelayMs({ failures: 1, chance: 1, retryAfterMs: 90_000 }), 90_000);
    assert.equal(retryDelayMs({ failures: 13, chance: 1, retryAfterMs: 5000 }), HOUR_MS);
  });
});

describe('an event', () => {
  const day = GIVE_UP_AFTER_MS;
  const cases = [
    { what: 'whose receiver answers is never given up', ago: { event: 9 * day }, expected: false },
    { what: 'is given up after a day', ago: { event: day, failing: day }, expected: true },
    { what: 'has its whole day', ago: { event: day - 1, failing: day }, expected: false },
    { what: 'old when it first failed', ago: { event: 9 * day, failing: 5 }, expected: false },
    {
      what: 'that waited for its paused webhook has a day from then on',
      ago: { event: 9 * day, failing: 9 * day, resumed: day - 1 },
      expected: false,
    },
  ];
  for (const { what, ago, expected } of cases) {
    it(what, () => {
      const { event, failing, resumed = 30 * day } = ago;
      const failingSince = failing === undefined ? undefined : NOW - failing;
      const waiting = { eventAt: NOW - event, resumedAt: NOW - resumed, failingSince };
      assert.equal(isGivenUp(waiting, NOW), expected);
    });
  }
});
