import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AttemptSlots } from './attempt-slots.ts';

const { signal } = new AbortController();

/** Whether it has resolved by the next turn of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const { promise: turn, resolve } = Promise.withResolvers<false>();
  setImmediate(() => resolve(false));
  return await Promise.race([promise.then(() => true), turn]);
}

describe('attempt slots', () => {
  it('are as many as there are, and go to whoever waits longest', async () => {
    const slots = new AttemptSlots({ prompt: 2, slow: 1 });
    const first = await slots.acquire('prompt', 'ada', signal);
    await slots.acquire('prompt', 'bob', signal);
    const third = slots.acquire('prompt', 'cleo', signal);
    const fourth = slots.acquire('prompt', 'dan', signal);
    assert.equal(await isSettled(third), false);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.deepEqual([await isSettled(third), await isSettled(fourth)], [true, false]);
  });

  it('give no owner more than half', async () => {
    const slots = new AttemptSlots({ prompt: 4, slow: 1 });
    const held = await slots.acquire('prompt', 'ada', signal);
    await slots.acquire('prompt', 'ada', signal);
    const greedy = slots.acquire('prompt', 'ada', signal);
    assert.equal(await isSettled(greedy), false);
    assert.ok(await isSettled(slots.acquire('prompt', 'bob', signal)));
    held[Symbol.dispose]();
    assert.ok(await isSettled(greedy));
  });

  it('of one lane are not taken by the other', async () => {
    const slots = new AttemptSlots({ prompt: 1, slow: 1 });
    await slots.acquire('slow', 'ada', signal);
    assert.equal(await isSettled(slots.acquire('slow', 'bob', signal)), false);
    assert.ok(await isSettled(slots.acquire('prompt', 'bob', signal)));
  });

  it('are given to nobody who has stopped waiting', async () => {
    const slots = new AttemptSlots({ prompt: 1, slow: 1 });
    const held = await slots.acquire('prompt', 'ada', signal);
    const stop = new AbortController();
    const gone = slots.acquire('prompt', 'bob', stop.signal);
    const next = slots.acquire('prompt', 'cleo', signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(gone, /stopped/);
    held[Symbol.dispose]();
    assert.ok(await isSettled(next));
    await assert.rejects(slots.acquire('prompt', 'bob', stop.signal), /stopped/);
  });
});
