import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DAY_MS } from '#kernel/units.ts';
import { chooseResolution, planLegs, type TierState } from './tier-choice.ts';
import { MINUTE_TIER_MS, QUARTER_TIER_MS, RAW_MS } from './tiers.ts';

const NOW_MS = 500 * DAY_MS;

/** As it is after years: a day, a month, and more than a year. */
const OLD: TierState = {
  oldestMs: new Map([
    [RAW_MS, NOW_MS - DAY_MS],
    [MINUTE_TIER_MS, NOW_MS - 30 * DAY_MS],
    [QUARTER_TIER_MS, NOW_MS - 400 * DAY_MS],
  ]),
  rolledThroughMs: NOW_MS - DAY_MS,
};

function chosen(agoMs: number, stepMs: number, state = OLD): number {
  return chooseResolution({ fromMs: NOW_MS - agoMs, toMs: NOW_MS, stepMs }, state);
}

describe('the choice of a tier', () => {
  it('takes the finest that still holds the start', () => {
    assert.equal(chosen(DAY_MS / 2, 1000), RAW_MS);
    assert.equal(chosen(2 * DAY_MS, 1000), MINUTE_TIER_MS);
    assert.equal(chosen(31 * DAY_MS, 1000), QUARTER_TIER_MS);
    assert.equal(chosen(1000 * DAY_MS, 0), QUARTER_TIER_MS);
  });

  it('takes a coarser one where a step has five of its points', () => {
    assert.equal(chosen(DAY_MS / 2, 299_999), RAW_MS);
    assert.equal(chosen(DAY_MS / 2, 300_000), MINUTE_TIER_MS);
    assert.equal(chosen(DAY_MS / 2, 5 * 900_000), QUARTER_TIER_MS);
  });

  it('does not take a coarser one for a start before there was anything', () => {
    const begun = NOW_MS - 3600_000;
    const young: TierState = {
      oldestMs: new Map([
        [RAW_MS, begun],
        [MINUTE_TIER_MS, begun + 59_000],
      ]),
      rolledThroughMs: 0,
    };
    assert.equal(chosen(5 * DAY_MS, 1000, young), RAW_MS);
    assert.equal(chosen(5 * DAY_MS, 1000, { oldestMs: new Map(), rolledThroughMs: 0 }), RAW_MS);
  });

  it('reads what is not yet rolled up from the tier it is made of', () => {
    const span = { fromMs: NOW_MS - 40 * DAY_MS, toMs: NOW_MS, stepMs: 0 };
    assert.deepEqual(planLegs(span, QUARTER_TIER_MS, OLD), [
      { resolution: QUARTER_TIER_MS, fromMs: span.fromMs, toMs: NOW_MS - DAY_MS - 1 },
      { resolution: MINUTE_TIER_MS, fromMs: NOW_MS - DAY_MS, toMs: NOW_MS },
    ]);
    assert.deepEqual(planLegs(span, RAW_MS, OLD), [
      { resolution: RAW_MS, fromMs: span.fromMs, toMs: span.toMs },
    ]);
    const early = { ...span, toMs: NOW_MS - 2 * DAY_MS };
    assert.equal(planLegs(early, QUARTER_TIER_MS, OLD).length, 1);
  });
});
