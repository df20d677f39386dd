import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StartBackoff } from './start-backoff.ts';

describe('the backoff of starts', () => {
  it('doubles from one second to a minute, and ends with a start that works', () => {
    const backoff = new StartBackoff(() => 1);
    let nowMs = 0;
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      backoff.failed(nowMs, 'no such file');
      waits.push(backoff.waitMs(nowMs));
      assert.deepEqual(backoff.failing, { message: 'no such file', attempts: attempt });
      nowMs += backoff.waitMs(nowMs);
      assert.equal(backoff.waitMs(nowMs), 0);
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    backoff.failed(nowMs, 'no such file');
    backoff.started();
    assert.equal(backoff.waitMs(nowMs), 0);
    assert.equal(backoff.failing, undefined);
  });

  it('is shortened by up to half, so that those who failed together come apart', () => {
    const backoff = new StartBackoff(() => 0);
    backoff.failed(0, 'no such file');
    assert.equal(backoff.waitMs(0), 500);
  });

  it('takes starts that failed together for one attempt', () => {
    const backoff = new StartBackoff(() => 1);
    for (let each = 0; each < 5; each += 1) backoff.failed(each, 'no such file');
    assert.equal(backoff.failing?.attempts, 1);
    assert.equal(backoff.waitMs(0), 1000);
  });

  it('forgives two crashes of young workers, and any number of old ones', () => {
    const backoff = new StartBackoff(() => 1);
    for (let each = 0; each < 10; each += 1) backoff.crashed(0, 30_000, 'exit code 1');
    backoff.crashed(0, 29_999, 'exit code 1');
    backoff.crashed(1, 0, 'exit code 1');
    assert.equal(backoff.waitMs(1), 0);
    assert.equal(backoff.failing, undefined);
    backoff.crashed(2, 0, 'exit code 2');
    assert.equal(backoff.waitMs(2), 1000);
    backoff.started();
    assert.equal(backoff.waitMs(2), 1000, 'a start that works does not prove that it will live');
    assert.deepEqual(backoff.failing, { message: 'exit code 2', attempts: 1 });
  });

  it('forgets crashes after two calm minutes', () => {
    const backoff = new StartBackoff(() => 1);
    for (let each = 0; each < 3; each += 1) backoff.crashed(0, 0, 'exit code 1');
    backoff.calm(119_999);
    assert.notEqual(backoff.failing, undefined);
    backoff.calm(120_000);
    assert.equal(backoff.failing, undefined);
  });
});
