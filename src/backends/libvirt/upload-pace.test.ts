import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket, type RateLimiter } from '#disks/rate-limiter.ts';
import { SharedPace } from '#disks/shared-pace.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { UploadMeter } from './upload-meter.ts';
import { paceUpload } from './upload-pace.ts';
import type { RunningVirsh } from './virsh.ts';

const LINK_BYTES_PER_SECOND = 64 * MIB;

/** Sends as fast as its link does, whenever it is not held. */
class FakeUpload implements RunningVirsh, UploadMeter {
  readonly pid = 1;
  holds = 0;
  longestHoldMs = 0;
  isHeld = false;
  readonly #clock: FakeClock;
  readonly #ended = new AbortController();
  #sinceMs = 0;
  #bytes = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  hold(): void {
    this.#turn(true);
    this.holds += 1;
  }

  release(): void {
    this.#turn(false);
  }

  end(): void {
    this.#ended.abort();
  }

  get bytes(): number {
    const ms = this.isHeld ? 0 : this.#clock.monotonicMs() - this.#sinceMs;
    return this.#bytes + (ms * LINK_BYTES_PER_SECOND) / SECOND_MS;
  }

  async writtenBytes(): Promise<number> {
    return this.bytes;
  }

  async position(): Promise<number> {
    return this.bytes + MIB;
  }

  #turn(isHeld: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    this.#bytes = this.bytes;
    if (this.isHeld) this.longestHoldMs = Math.max(this.longestHoldMs, nowMs - this.#sinceMs);
    if (this.isHeld !== isHeld || !isHeld) this.#sinceMs = nowMs;
    this.isHeld = isHeld;
  }
}

function begin(limiter: RateLimiter, clock = new FakeClock()) {
  const upload = new FakeUpload(clock);
  const told: number[] = [];
  const onProgress = (doneBytes: number) => void told.push(doneBytes);
  const done = paceUpload(upload, { clock, meter: upload, limiter, onProgress });
  return { upload, told, done };
}

/** By milliseconds, so that what waits for nothing but its turn gets it. */
async function advance(clock: FakeClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 1) await clock.advance(1);
}

/** How fast it was in so many seconds. */
async function rateOf(upload: FakeUpload, clock: FakeClock, seconds = 5): Promise<number> {
  const before = upload.bytes;
  await advance(clock, seconds * SECOND_MS);
  return (upload.bytes - before) / seconds;
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 0.15, `${actual} is not near ${expected}`);
}

describe('paceUpload', () => {
  it('never holds what has no limit, and tells how far it is four times a second', async () => {
    const clock = new FakeClock();
    const { upload, told, done } = begin(new TokenBucket(clock), clock);
    assertNear(await rateOf(upload, clock, 10), LINK_BYTES_PER_SECOND);
    assert.equal(upload.holds, 0);
    assert.ok(told.length > 30 && told.length <= 41, `${told.length}`);
    assert.ok((told.at(-1) ?? 0) > 9 * LINK_BYTES_PER_SECOND + MIB, 'holes count');
    upload.end();
    await done;
  });

  for (const limit of [MIB / 2, 4 * MIB, 40 * MIB]) {
    it(`keeps to ${limit / MIB} MiB/s`, async () => {
      const clock = new FakeClock();
      const { upload, told, done } = begin(new TokenBucket(clock, limit), clock);
      assertNear(await rateOf(upload, clock), limit);
      assert.ok(upload.holds > 10, `${upload.holds}`);
      assert.ok(told.length > 10, 'it tells while it is held as well');
      upload.end();
      await done;
      assert.ok(!upload.isHeld);
    });
  }

  it('lets virsh answer before libvirt takes it for dead, however low the limit', async () => {
    const clock = new FakeClock();
    const { upload, told, done } = begin(new TokenBucket(clock, 1000), clock);
    await advance(clock, 25 * SECOND_MS);
    assert.ok(upload.holds > 1);
    assert.ok(upload.longestHoldMs < 12 * SECOND_MS, `${upload.longestHoldMs}`);
    assert.ok(told.length > 20, 'it tells meanwhile');
    upload.end();
    await done;
  });

  it('obeys whatever the limit has become', async () => {
    const clock = new FakeClock();
    const pace = new SharedArrayBuffer(8);
    const rate = new Float64Array(pace);
    const { upload, done } = begin(new SharedPace(clock, pace), clock);
    assertNear(await rateOf(upload, clock), LINK_BYTES_PER_SECOND);
    rate[0] = MIB;
    await advance(clock, 5 * SECOND_MS);
    assertNear(await rateOf(upload, clock), MIB);
    rate[0] = 8 * MIB;
    await advance(clock, SECOND_MS);
    assertNear(await rateOf(upload, clock), 8 * MIB);
    rate[0] = 0;
    await advance(clock, SECOND_MS);
    assertNear(await rateOf(upload, clock), LINK_BYTES_PER_SECOND);
    upload.end();
    await done;
  });

  it('leaves none held: not when it ends, and not when something goes wrong', async () => {
    const clock = new FakeClock();
    const { upload, done } = begin(new TokenBucket(clock, 1), clock);
    await advance(clock, 500);
    assert.ok(upload.isHeld);
    upload.end();
    await done;
    assert.ok(!upload.isHeld);
    const broken = { take: () => clock.sleep(300).then(() => assert.fail('broken')) };
    const { upload: other, done: failing } = begin(broken, clock);
    failing.catch(() => undefined);
    await advance(clock, 200);
    assert.ok(other.isHeld);
    await advance(clock, 200);
    await assert.rejects(failing, /broken/);
    assert.ok(!other.isHeld);
    assert.equal(clock.pendingTimers, 0);
  });

  it('leaves it alone where nobody knows what it does', async () => {
    const clock = new FakeClock();
    const upload = new FakeUpload(clock);
    const unknown: UploadMeter = {
      writtenBytes: async () => undefined,
      position: async () => undefined,
    };
    const told: number[] = [];
    const done = paceUpload(upload, {
      ...{ clock, meter: unknown, limiter: new TokenBucket(clock, 1) },
      onProgress: (doneBytes) => void told.push(doneBytes),
    });
    await advance(clock, SECOND_MS);
    upload.end();
    await done;
    assert.deepEqual([upload.holds, Math.max(...told)], [0, 0]);
  });
});
