import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDeadline, untilAborted } from './abort.ts';
import { DroverError } from './errors.ts';
import { FakeClock } from './fake-clock.ts';

describe('a deadline', () => {
  it('aborts with deadline_exceeded and says what took too long', async () => {
    const clock = new FakeClock();
    using deadline = openDeadline(clock, 100, 'asking the guest');
    const waiting = untilAborted(new Promise(() => undefined), deadline.signal);
    const failed = assert.rejects(waiting, (thrown) => {
      assert.ok(thrown instanceof DroverError);
      assert.equal(thrown.kind, 'deadline_exceeded');
      assert.match(thrown.message, /asking the guest took longer than 100 ms/);
      return true;
    });
    await clock.advance(100);
    await failed;
  });

  it('leaves no timer behind when it is disposed', () => {
    const clock = new FakeClock();
    openDeadline(clock, 100, 'anything')[Symbol.dispose]();
    assert.equal(clock.pendingTimers, 0);
  });

  it('passes on the reason of its parent', () => {
    const parent = new AbortController();
    using deadline = openDeadline(new FakeClock(), 100, 'anything', parent.signal);
    const reason = new Error('gone');
    parent.abort(reason);
    assert.equal(deadline.signal.reason, reason);
  });
});
