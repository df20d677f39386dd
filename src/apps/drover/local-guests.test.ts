import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { CustomerId, HostId, MachineId } from '#kernel/ids.ts';
import type { Machine } from '#machines/machine.ts';
import { kernelSpec } from '#test/contract/machine-spec.ts';
import { createLocalGuests } from './local-guests.ts';

const HOST = 'host-1' as HostId;
const SPEC = kernelSpec({ kernelPath: '/vmlinux', initrdPath: undefined });

function machine(at: number): Machine {
  return {
    ...{ id: `m-${String(at).padStart(5, '0')}` as MachineId, customerId: 'acme' as CustomerId },
    ...{ hostId: HOST, spec: SPEC, state: 'running', stateReason: '', stateMessage: '' },
    ...{ stateChangedAt: 0, isDeleting: at === 7, process: undefined, bootedAt: 0, leases: [] },
    ...{ createdAt: 0, updatedAt: 0 },
  };
}

describe('the machines of this host as guests', () => {
  it('are all of them, however many there are, and listed anew after a while', async () => {
    const clock = new FakeClock();
    const all = Array.from({ length: 1200 }, (_, at) => machine(at));
    let listed = 0;
    const store = {
      listByHost: (hostId: HostId, after: string, limit: number) => {
        listed += 1;
        const rest = all.filter((each) => each.hostId === hostId && each.id > after);
        return Promise.resolve(rest.slice(0, limit));
      },
    };
    const guests = createLocalGuests({ clock, hostId: HOST, store, readings: () => [] });
    const { signal } = new AbortController();
    const first = await guests(signal);
    assert.equal(first.length, 1199);
    assert.deepEqual([first[0]?.status, first[0]?.cpuPercent], ['running', undefined]);
    await guests(signal);
    assert.equal(listed, 3);
    all.length = 500;
    await clock.advance(5000);
    assert.equal((await guests(signal)).length, 499);
    assert.equal(listed, 5);
  });
});
