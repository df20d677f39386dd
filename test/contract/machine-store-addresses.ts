/** What every MachineStore does with addresses. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { LeaseRequest } from '#machines/host-network.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import type { OpenMachineStore } from '#test/contract/machine-store.ts';
import { DONE, leaseRequest, newMachine } from '#test/contract/store-fixtures.ts';

async function lease(
  machines: MachineStore,
  name: string,
  ...requests: readonly Partial<LeaseRequest>[]
): Promise<string[]> {
  const leases = requests.map(leaseRequest);
  const machine = await machines.insert(newMachine(name, { leases }));
  assert.deepEqual(await machines.get(machine.id), machine);
  return machine.leases.map(({ address }) => address);
}

async function remove(machines: MachineStore, name: string): Promise<void> {
  await machines.remove(name as MachineId, [], { intents: [], outcome: DONE, at: 1 });
}

const IPV6 = {
  family: 6,
  firstAddress: 'FD00:0::2',
  lastAddress: 'fd00::ffff:ffff:ffff:ffff',
  gateway: 'fd00::1',
  prefixLength: 64,
} as const;

export function itLeasesAddresses(open: () => Promise<OpenMachineStore>): void {
  it('hands out one address after the other, each with what belongs to it', async () => {
    await using stores = await open();
    const { machines } = stores;
    const leases = [leaseRequest(), leaseRequest(IPV6), leaseRequest({ nicId: 'eth1' })];
    const machine = await machines.insert(newMachine('one', { leases }));
    const shared = { network: 'host-1/drover0' };
    const ipv4 = { ...shared, family: 4, prefixLength: 24, gateway: '10.1.0.1' };
    const ipv6 = { ...shared, family: 6, prefixLength: 64, gateway: 'fd00::1' };
    assert.deepEqual(machine.leases, [
      { ...ipv4, nicId: 'eth0', address: '10.1.0.2' },
      { ...ipv6, nicId: 'eth0', address: 'fd00::2' },
      { ...ipv4, nicId: 'eth1', address: '10.1.0.3' },
    ]);
    assert.deepEqual(await lease(machines, 'two', {}, IPV6), ['10.1.0.4', 'fd00::3']);
    assert.deepEqual(await lease(machines, 'three', { network: 'host-2/drover0' }), ['10.1.0.2']);
  });

  it('leaves a returned address alone until the range has been through', async () => {
    await using stores = await open();
    const { machines } = stores;
    assert.deepEqual(await lease(machines, 'a', {}), ['10.1.0.2']);
    assert.deepEqual(await lease(machines, 'b', {}), ['10.1.0.3']);
    await remove(machines, 'a');
    await remove(machines, 'b');
    for (const [name, address] of [
      ['c', '10.1.0.4'],
      ['d', '10.1.0.5'],
      ['e', '10.1.0.6'],
      ['f', '10.1.0.2'],
      ['g', '10.1.0.3'],
    ] as const) {
      assert.deepEqual(await lease(machines, name, {}), [address]);
    }
  });

  it('says so when a range is used up, and keeps nothing of the refused machine', async () => {
    await using stores = await open();
    const { machines, events } = stores;
    const small = { firstAddress: '10.1.0.2', lastAddress: '10.1.0.4', excluded: ['10.1.0.3'] };
    assert.deepEqual(await lease(machines, 'a', small), ['10.1.0.2']);
    await assert.rejects(lease(machines, 'b', small, small), {
      kind: 'resource_exhausted',
      reason: 'ADDRESS_RANGE_EXHAUSTED',
    });
    assert.equal(await machines.get('b' as MachineId), undefined);
    assert.equal((await events.read({ afterId: 0, limit: 10 })).length, 1);
    assert.deepEqual(await lease(machines, 'b', small), ['10.1.0.4']);
    await assert.rejects(lease(machines, 'c', small), { reason: 'ADDRESS_RANGE_EXHAUSTED' });
    await remove(machines, 'a');
    assert.deepEqual(await lease(machines, 'c', small), ['10.1.0.2']);
  });

  it('gives the address that is asked for, however it is written, or refuses it', async () => {
    await using stores = await open();
    const { machines } = stores;
    const asked = { ...IPV6, address: 'FD00:0:0::00AB', field: 'network[0].guest_ipv6.address' };
    assert.deepEqual(await lease(machines, 'a', asked), ['fd00::ab']);
    await assert.rejects(lease(machines, 'b', { ...asked, address: 'fd00::ab' }), {
      kind: 'already_exists',
      reason: 'ADDRESS_IN_USE',
      metadata: { field: 'network[0].guest_ipv6.address', address: 'fd00::ab' },
    });
    await remove(machines, 'a');
    assert.deepEqual(await lease(machines, 'b', { ...asked, address: 'fd00::ab' }), ['fd00::ab']);
  });

  it('goes round what is taken, excluded, or asked for by a later NIC', async () => {
    await using stores = await open();
    const { machines } = stores;
    assert.deepEqual(await lease(machines, 'a', {}, { nicId: 'eth1', address: '10.1.0.2' }), [
      '10.1.0.3',
      '10.1.0.2',
    ]);
    const excluded = ['10.1.0.4'];
    assert.deepEqual(await lease(machines, 'b', { excluded }), ['10.1.0.5']);
    const gateway = '10.1.0.6';
    await assert.rejects(lease(machines, 'c', { excluded, gateway }), {
      reason: 'ADDRESS_RANGE_EXHAUSTED',
    });
  });

  it('finds the one gap behind a long run of taken addresses', async () => {
    await using stores = await open();
    const { machines } = stores;
    const range = { firstAddress: '10.2.0.0', lastAddress: '10.2.6.63', gateway: '' };
    const requests = (count: number) =>
      Array.from({ length: count }, (_, at) => leaseRequest({ ...range, nicId: `eth${at}` }));
    await machines.insert(newMachine('first', { leases: requests(1500) }));
    await machines.insert(newMachine('gap', { leases: requests(1) }));
    await machines.insert(newMachine('last', { leases: requests(1600 - 1501) }));
    await assert.rejects(lease(machines, 'more', range), { reason: 'ADDRESS_RANGE_EXHAUSTED' });
    await remove(machines, 'gap');
    assert.deepEqual(await lease(machines, 'more', range), ['10.2.5.220']);
  });

  it('never hands an address out twice, however many ask at once', async () => {
    await using stores = await open();
    const range = { firstAddress: '10.1.0.2', lastAddress: '10.1.0.31' };
    const creates = Array.from({ length: 20 }, (_, at) => {
      const leases = [leaseRequest(range), leaseRequest({ ...range, nicId: 'eth1' })];
      const customerId = `c${at % 7}` as CustomerId;
      return stores.machines.insert(newMachine(`m${at}`, { leases, customerId }));
    });
    const settled = await Promise.allSettled(creates);
    const given = settled.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.leases.map(({ address }) => address) : [],
    );
    assert.equal(given.length, 30);
    assert.equal(new Set(given).size, 30);
    for (const outcome of settled) {
      if (outcome.status === 'fulfilled') continue;
      assert.ok(outcome.reason instanceof DroverError);
      assert.equal(outcome.reason.reason, 'ADDRESS_RANGE_EXHAUSTED');
    }
  });
}
