import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { specOf } from '#test/contract/store-fixtures.ts';
import { failure } from '#test/machine-fixture.ts';
import type { MachineId } from '#kernel/ids.ts';
import { HostCapacity } from './host-capacity.ts';

const ONE = 'vm_1' as MachineId;
const TWO = 'vm_2' as MachineId;

describe('the capacity of a host', () => {
  it('is reserved up to the last vCPU and MiB, and not beyond', () => {
    const capacity = new HostCapacity({ vcpus: 4, memoryMib: 1024 });
    capacity.reserve(ONE, specOf(3, 512));
    const vcpus = failure('resource_exhausted', /4 vCPUs is too small: 3 in use, 2 more asked for/);
    assert.throws(() => capacity.reserve(TWO, specOf(2, 512)), vcpus);
    const memory = failure('resource_exhausted', /1024 MiB of memory .* 512 in use, 513 more/);
    assert.throws(() => capacity.reserve(TWO, specOf(1, 513)), memory);
    assert.deepEqual(capacity.used, { machines: 1, vcpus: 3, memoryMib: 512 });
    capacity.reserve(TWO, specOf(1, 512));
    assert.deepEqual(capacity.used, { machines: 2, vcpus: 4, memoryMib: 1024 });
  });

  it('counts a machine once, however often it is reserved or given back', () => {
    const capacity = new HostCapacity({ vcpus: 4, memoryMib: 1024 });
    capacity.reserve(ONE, specOf(3));
    capacity.reserve(ONE, specOf(3));
    capacity.adopt(ONE, specOf(3));
    assert.equal(capacity.used.vcpus, 3);
    assert.ok(capacity.holds(ONE));
    capacity.release(ONE);
    capacity.release(ONE);
    assert.deepEqual(capacity.used, { machines: 0, vcpus: 0, memoryMib: 0 });
    assert.equal(capacity.holds(ONE), false);
  });

  it('counts what runs already even when it is too much, and then takes nothing more', () => {
    const capacity = new HostCapacity({ vcpus: 2, memoryMib: 1024 });
    capacity.adopt(ONE, specOf(3));
    assert.equal(capacity.used.vcpus, 3);
    const full = failure('resource_exhausted', /2 vCPUs is used up: 3 in use, 1 more/);
    assert.throws(() => capacity.reserve(TWO, specOf(1)), full);
  });

  it('refuses what could not even run alone, whatever else runs', () => {
    const capacity = new HostCapacity({ vcpus: 4, memoryMib: 1024 });
    capacity.reserve(ONE, specOf(4));
    capacity.assertCouldFit(specOf(4, 1024));
    const never = failure('resource_exhausted', /4 vCPUs is too small: 0 in use, 5 more/);
    assert.throws(() => capacity.assertCouldFit(specOf(5)), never);
  });
});
