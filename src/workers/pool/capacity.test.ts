import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { Capacity } from './capacity.ts';

const SETTINGS = { size: 3, memoryBytes: 200 * MIB, warm: 0, startsAtOnce: 1 };

describe('the capacity of a pool', () => {
  it('ends at the size, members on their way out included', () => {
    const capacity = new Capacity(SETTINGS);
    for (const id of ['a', 'b', 'c']) {
      assert.ok(capacity.hasRoom('process'));
      capacity.take(id, 'process');
    }
    capacity.promiseLeave('a');
    assert.deepEqual([capacity.members, capacity.leaving], [3, 1]);
    assert.ok(!capacity.hasRoom('process'));
    capacity.release('a');
    assert.deepEqual([capacity.members, capacity.leaving], [2, 0]);
    assert.ok(capacity.hasRoom('process'));
  });

  it('ends at the memory, and expects 40 MiB of a process and 8 MiB of a thread', () => {
    const capacity = new Capacity({ ...SETTINGS, size: 100 });
    capacity.take('a', 'process');
    assert.equal(capacity.chargedBytes, 40 * MIB);
    capacity.measured('a', 161 * MIB);
    assert.ok(!capacity.hasRoom('process'));
    assert.ok(capacity.hasRoom('thread'));
    capacity.measured('a', 201 * MIB);
    assert.ok(capacity.isOverMemory);
    capacity.release('a');
    assert.equal(capacity.chargedBytes, 0);
  });

  it('learns what members take when they are new', () => {
    const capacity = new Capacity({ ...SETTINGS, size: 100 });
    capacity.take('a', 'process');
    capacity.measured('a', 140 * MIB, { kind: 'process' });
    capacity.take('b', 'process');
    assert.equal(capacity.chargedBytes, 190 * MIB);
    capacity.measured('b', 1 * MIB, { kind: 'process' });
    capacity.release('a');
    capacity.take('c', 'process');
    assert.ok(capacity.chargedBytes >= 41 * MIB, 'never less than the floor');
  });

  it('lets one member in, however little memory there is', () => {
    const capacity = new Capacity({ ...SETTINGS, memoryBytes: 1 });
    assert.ok(capacity.hasRoom('process'));
    capacity.take('a', 'process');
    assert.ok(!capacity.hasRoom('process'));
  });

  it('ignores what comes after a member is gone', () => {
    const capacity = new Capacity(SETTINGS);
    capacity.take('a', 'process');
    capacity.release('a');
    capacity.measured('a', 50 * MIB);
    capacity.promiseLeave('a');
    assert.deepEqual([capacity.members, capacity.leaving, capacity.chargedBytes], [0, 0, 0]);
  });
});
