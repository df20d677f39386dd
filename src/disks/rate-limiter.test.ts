import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import { TokenBucket } from './rate-limiter.ts';

const { signal: never } = new AbortController();

/** Takes again and again, and counts what it got. */
function startTaking(bucket: TokenBucket, bytes: number, signal = never) {
  const taken = { bytes: 0, ended: Promise.resolve() };
  const run = async () => {
    for (;;) {
      await bucket.take(bytes, signal);
      taken.bytes += bytes;
    }
  };
  taken.ended = run();
  // Whoever aborts looks at it; the others leave it to wait for ever.
  taken.ended.catch(() => undefined);
  return taken;
}

describe('TokenBucket', () => {
  it('lets through what the limit allows, whatever the size of the pieces', async () => {
    for (const piece of [4096, 64 * 1024, MIB]) {
      const clock = new FakeClock();
      const taken = startTaking(new TokenBucket(clock, 10 * MIB), piece);
      await clock.advance(10 * SECOND_MS);
      const allowed = 100 * MIB;
      assert.ok(Math.abs(taken.bytes - allowed) <= 3 * MIB, `${taken.bytes} of ${piece}`);
    }
  });

  it('shares the limit among all who take', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 10 * MIB);
    const takers = [startTaking(bucket, 64 * 1024), startTaking(bucket, 64 * 1024)];
    await clock.advance(4 * SECOND_MS);
    for (const { bytes } of takers) assert.ok(Math.abs(bytes - 20 * MIB) <= MIB, `${bytes}`);
  });

  it('obeys a new limit at once, also for who waits under the old one', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 1);
    await bucket.take(MIB, never);
    const taken = startTaking(bucket, MIB);
    await clock.advance(SECOND_MS);
    assert.equal(taken.bytes, 0);
    bucket.setRate(MIB);
    await clock.advance(10 * SECOND_MS);
    assert.ok(Math.abs(taken.bytes - 10 * MIB) <= MIB, `${taken.bytes}`);
  });

  it('holds nobody up without a limit', async () => {
    const bucket = new TokenBucket(new FakeClock());
    for (let at = 0; at < 1000; at += 1) await bucket.take(MIB, never);
    assert.equal(bucket.bytesPerSecond, undefined);
  });

  it('stops waiting when it is told to', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const taken = startTaking(new TokenBucket(clock, 1), MIB, controller.signal);
    await clock.advance(SECOND_MS);
    controller.abort(new Error('enough'));
    await assert.rejects(taken.ended, /enough/);
    assert.equal(clock.pendingTimers, 0);
  });
});
