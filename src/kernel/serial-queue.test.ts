import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SerialQueue } from './serial-queue.ts';

describe('a serial queue', () => {
  it('begins a job only when the one before has ended, also when that failed', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queue.run(async () => {
      log.push('first begins');
      await gate.promise;
      throw new Error('first fails');
    });
    const second = queue.run(() => Promise.resolve(log.push('second')));
    assert.equal(queue.length, 2);
    gate.resolve();
    await assert.rejects(first, /first fails/);
    await second;
    await queue.idle();
    assert.deepEqual(log, ['first begins', 'second']);
    assert.equal(queue.length, 0);
  });
});
