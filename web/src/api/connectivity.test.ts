import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Connectivity } from './connectivity.ts';

describe('Connectivity', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    mock.method(Math, 'random', () => 1);
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  function setUp() {
    let isUp = false;
    const probe = mock.fn(async () => {
      if (!isUp) throw new TypeError('failed to fetch');
    });
    const connectivity = new Connectivity(probe);
    return { connectivity, probe, comeUp: () => (isUp = true) };
  }

  it('tries again ever more seldom, one at a time, until an answer comes', async () => {
    const { connectivity, probe, comeUp } = setUp();
    connectivity.answered();
    connectivity.failed();
    connectivity.failed();
    assert.equal(connectivity.store.value.isOnline, false);
    for (const [tries, waitMs] of [1000, 2000, 4000].entries()) {
      mock.timers.tick(waitMs - 1);
      assert.equal(probe.mock.callCount(), tries);
      mock.timers.tick(1);
      await setImmediate();
      assert.equal(probe.mock.callCount(), tries + 1);
    }
    comeUp();
    connectivity.tryNow();
    await setImmediate();
    assert.deepEqual(connectivity.store.value, {
      ...{ isOnline: true, answeredAt: Date.now(), nextTryAt: undefined },
    });
    mock.timers.tick(60_000);
    assert.equal(probe.mock.callCount(), 4);
  });

  it('says how old the last answer is', () => {
    const { connectivity } = setUp();
    connectivity.answered();
    const answeredAt = Date.now();
    mock.timers.tick(5000);
    connectivity.failed();
    assert.equal(connectivity.store.value.answeredAt, answeredAt);
  });
});
