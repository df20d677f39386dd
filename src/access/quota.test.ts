import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exceededLimit, exceededToError, type QuotaLimits } from './quota.ts';

const limits: QuotaLimits = { maxMachines: 10, maxVcpus: 20, maxMemoryMib: 4096 };

describe('a quota', () => {
  const cases = [
    { use: [9, 18, 2048], wanted: [1, 2, 2048], exceeded: undefined },
    { use: [10, 0, 0], wanted: [1, 1, 1], exceeded: 'machines' },
    { use: [0, 19, 0], wanted: [1, 2, 1], exceeded: 'vcpus' },
    { use: [0, 0, 4096], wanted: [1, 1, 1], exceeded: 'memory' },
    { use: [10, 20, 4096], wanted: [1, 1, 1], exceeded: 'machines' },
    // An operator lowered the limit: what is there stays, and asking for nothing is no offence.
    { use: [11, 5, 1024], wanted: [0, 1, 1], exceeded: undefined },
  ] as const;
  for (const { use, wanted, exceeded } of cases) {
    it(`with ${use.join('/')} in use and ${wanted.join('/')} wanted exceeds ${exceeded}`, () => {
      const found = exceededLimit(limits, toUsage(use), toUsage(wanted));
      assert.equal(found?.resource, exceeded);
    });
  }

  it('without limits lets everything pass', () => {
    const none = { maxMachines: Infinity, maxVcpus: Infinity, maxMemoryMib: Infinity };
    assert.equal(exceededLimit(none, toUsage([1e6, 1e6, 1e9]), toUsage([1, 32, 1e6])), undefined);
  });

  it('refuses with the numbers, in words and in metadata', () => {
    const found = exceededLimit(limits, toUsage([10, 0, 0]), toUsage([1, 1, 1]));
    assert.ok(found);
    const error = exceededToError(found, 'customer');
    assert.equal(error.kind, 'resource_exhausted');
    assert.equal(error.reason, 'QUOTA_EXCEEDED');
    assert.equal(
      error.message,
      'customer quota of 10 machines is used up: 10 in use, 1 more asked for',
    );
    assert.deepEqual(error.metadata, {
      resource: 'machines',
      limit: '10',
      used: '10',
      requested: '1',
    });
  });

  it('of a host is named as such', () => {
    const found = exceededLimit(limits, toUsage([0, 19, 0]), toUsage([1, 2, 1]));
    assert.ok(found);
    const error = exceededToError(found, 'host');
    assert.equal(error.reason, 'HOST_CAPACITY_EXCEEDED');
    assert.equal(
      error.message,
      'host capacity of 20 vCPUs is too small: 19 in use, 2 more asked for',
    );
  });
});

function toUsage([machines, vcpus, memoryMib]: readonly [number, number, number]) {
  return { machines, vcpus, memoryMib };
}
