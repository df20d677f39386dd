import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from './fake-clock.ts';

describe('the fake clock', () => {
  it('fires timers in the order they fall due', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('late'));
    clock.after(10, () => fired.push('early'));
    using _ = clock.every(15, () => fired.push('every'));
    await clock.advance(30);
    assert.deepEqual(fired, ['early', 'every', 'late', 'every']);
  });

  it('ends a sleep by its signal and forgets the timer', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const asleep = clock.sleep(1000, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(asleep, /enough/);
    assert.equal(clock.pendingTimers, 0);
  });

  it('moves wall time without touching timers when the clock jumps', async () => {
    const clock = new FakeClock(0);
    let fired = 0;
    clock.after(10, () => (fired += 1));
    clock.jumpWallClock(-5000);
    await clock.advance(10);
    assert.equal(fired, 1);
    assert.equal(clock.nowMs(), -4990);
    assert.equal(clock.monotonicMs(), 10);
  });
});
