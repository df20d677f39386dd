import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { Broadcast, type EventReader } from './broadcast.ts';

class FakeReader extends EventEmitter implements EventReader {
  writableLength = 0;
  readonly received: string[] = [];
  isEnded = false;

  write(bytes: Buffer): void {
    assert.ok(!this.isEnded, 'written to after its end');
    this.received.push(bytes.toString());
  }

  end(): void {
    this.isEnded = true;
  }
}

function setUp({ intervalMs = 1000, maxReaders = 3 } = {}) {
  const clock = new FakeClock();
  let written = 0;
  const broadcast = new Broadcast({
    ...{ clock, intervalMs, maxReaders },
    heartbeatMs: 15_000,
    read: () => String((written += 1)),
  });
  const join = () => {
    const reader = new FakeReader();
    broadcast.join(reader);
    return reader;
  };
  return { clock, broadcast, join, written: () => written };
}

describe('Broadcast', () => {
  it('tells who joins how things stand at once, and then at every interval', async () => {
    const { clock, join } = setUp();
    const reader = join();
    assert.deepEqual(reader.received, ['data: 1\n\n']);
    await clock.advance(999);
    assert.equal(reader.received.length, 1);
    await clock.advance(1001);
    assert.deepEqual(reader.received, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
  });

  it('writes an event once for all', async () => {
    const { clock, join, written } = setUp();
    const readers = [join(), join(), join()];
    assert.equal(written(), 3);
    await clock.advance(2000);
    assert.equal(written(), 5);
    for (const { received } of readers) {
      assert.deepEqual(received.slice(1), ['data: 4\n\n', 'data: 5\n\n']);
    }
  });

  it('does nothing while nobody reads', async () => {
    const { clock, join, written } = setUp();
    assert.equal(clock.pendingTimers, 0);
    const [one, other] = [join(), join()];
    assert.equal(clock.pendingTimers, 2);
    one.emit('close');
    await clock.advance(1000);
    assert.equal(one.received.length, 1);
    assert.equal(other.received.length, 2);
    other.emit('close');
    assert.equal(clock.pendingTimers, 0);
    await clock.advance(60_000);
    assert.equal(written(), 3);
    assert.equal(join().received.length, 1);
    assert.equal(clock.pendingTimers, 2);
  });

  it('skips who has not taken what it was given, and goes on with the newest', async () => {
    const { clock, join } = setUp();
    const [slow, quick] = [join(), join()];
    slow.writableLength = 9;
    await clock.advance(20_000);
    assert.equal(slow.received.length, 1);
    assert.equal(quick.received.length, 22);
    slow.writableLength = 0;
    await clock.advance(1000);
    assert.deepEqual(slow.received, ['data: 1\n\n', quick.received.at(-1)]);
  });

  it('is not silent for longer than 15 s, however long the interval', async () => {
    const { clock, join } = setUp({ intervalMs: 60_000 });
    const reader = join();
    await clock.advance(46_000);
    assert.deepEqual(reader.received.slice(1), [': ping\n\n', ': ping\n\n', ': ping\n\n']);
  });

  it('has room for so many and refuses the next until one goes', () => {
    const { broadcast, join } = setUp();
    const [first] = [join(), join(), join()];
    assert.throws(() => broadcast.assertRoom(), {
      kind: 'unavailable',
      reason: 'TOO_MANY_STREAMS',
      metadata: { retry_after_seconds: '5' },
    });
    first?.emit('close');
    broadcast.assertRoom();
  });

  it('ends for all at once, and for those who come later after their first event', async () => {
    const { clock, broadcast, join } = setUp();
    const reader = join();
    broadcast.end();
    assert.ok(reader.isEnded);
    assert.equal(clock.pendingTimers, 0);
    await clock.advance(5000);
    reader.emit('close');
    const late = join();
    assert.ok(late.isEnded);
    assert.equal(late.received.length, 1);
    assert.equal(clock.pendingTimers, 0);
  });
});
