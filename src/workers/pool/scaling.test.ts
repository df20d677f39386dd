import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  areLoopsShort,
  desiredWorkers,
  hasSurplus,
  isReserveShort,
  workersNeeded,
  type AppLoad,
} from './scaling.ts';

const QUIET: AppLoad = {
  inFlight: 0,
  queued: 0,
  have: 0,
  creating: 0,
  concurrency: 1,
  minWorkers: 0,
  maxWorkers: 10,
};

describe('how many workers an app should have', () => {
  const TABLE: readonly (readonly [Partial<AppLoad>, number, number])[] = [
    // load, desired, to be started now
    [{}, 0, 0],
    [{ minWorkers: 2 }, 2, 2],
    [{ minWorkers: 2, have: 1, creating: 1 }, 2, 1],
    [{ queued: 1 }, 2, 1],
    [{ queued: 1, have: 1, creating: 1 }, 2, 0],
    [{ inFlight: 1, have: 1 }, 2, 0],
    [{ inFlight: 1, queued: 1, have: 1 }, 3, 1],
    [{ inFlight: 2, queued: 5, have: 2 }, 8, 5],
    [{ inFlight: 2, queued: 5, have: 4, creating: 2 }, 8, 3],
    [{ inFlight: 2, queued: 50, have: 2 }, 10, 8],
    [{ inFlight: 10, queued: 50, have: 10 }, 10, 0],
    [{ inFlight: 10, queued: 5, have: 1, concurrency: 10 }, 2, 1],
    [{ inFlight: 9, have: 1, concurrency: 10 }, 1, 0],
    [{ inFlight: 20, queued: 70, have: 2, concurrency: 10 }, 10, 8],
    [{ inFlight: 3, have: 4, maxWorkers: 3 }, 3, 0],
  ];
  for (const [given, desired, needed] of TABLE) {
    it(`is ${desired}, ${needed} of them to be started, for ${JSON.stringify(given)}`, () => {
      const load = { ...QUIET, ...given };
      assert.equal(desiredWorkers(load), desired);
      assert.equal(workersNeeded(load), needed);
    });
  }
});

describe('a reserve', () => {
  it('is wanted when less than a tenth of the slots is free', () => {
    const busy = { ...QUIET, have: 1, inFlight: 10, concurrency: 10 };
    assert.ok(isReserveShort(busy));
    assert.ok(!isReserveShort({ ...busy, inFlight: 9 }));
  });

  it('is not wanted twice, nor of workers with a few slots, nor above the most', () => {
    const busy = { ...QUIET, have: 1, inFlight: 10, concurrency: 10 };
    assert.ok(!isReserveShort({ ...busy, have: 2, creating: 1 }));
    assert.ok(!isReserveShort({ ...busy, inFlight: 9, concurrency: 9 }));
    assert.ok(!isReserveShort({ ...busy, maxWorkers: 1 }));
  });
});

describe('event loops', () => {
  const load = { ...QUIET, have: 2, inFlight: 2, concurrency: 5 };

  it('want another worker above 80 %, and once in 20 s', () => {
    assert.ok(areLoopsShort(load, { utilization: 0.81, sinceChangeMs: 20_000 }));
    assert.ok(!areLoopsShort(load, { utilization: 0.8, sinceChangeMs: 20_000 }));
    assert.ok(!areLoopsShort(load, { utilization: 0.81, sinceChangeMs: 19_999 }));
    assert.ok(!areLoopsShort(load, { utilization: undefined, sinceChangeMs: 20_000 }));
  });

  it('want none while one is created, or at the most', () => {
    const busy = { utilization: 1, sinceChangeMs: 60_000 };
    assert.ok(!areLoopsShort({ ...load, creating: 1 }, busy));
    assert.ok(!areLoopsShort({ ...load, maxWorkers: 2 }, busy));
    assert.ok(!areLoopsShort({ ...load, have: 0 }, busy));
  });
});

describe('a surplus', () => {
  const load = { ...QUIET, have: 3, inFlight: 1 };
  const quiet = { utilization: 0.2, sinceChangeMs: 5000 };

  it('is what there is above the desired and the floor', () => {
    assert.ok(hasSurplus(load, quiet));
    assert.ok(!hasSurplus({ ...load, have: 2 }, quiet));
    assert.ok(!hasSurplus({ ...load, minWorkers: 3 }, quiet));
    assert.ok(hasSurplus({ ...QUIET, have: 1 }, quiet));
  });

  it('goes one by one, and not while the loops of an app with work are busy', () => {
    assert.ok(!hasSurplus(load, { ...quiet, sinceChangeMs: 4999 }));
    assert.ok(!hasSurplus(load, { ...quiet, utilization: 0.21 }));
    assert.ok(hasSurplus({ ...load, inFlight: 0 }, { ...quiet, utilization: 0.9 }));
  });
});
