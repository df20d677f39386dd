/** What every implementation of the port HostNetwork does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { addressAfter, formatIpAddress, parseIpAddress } from '#kernel/ip-address.ts';
import type { AttachRequest, HostNetwork, LeaseRequest } from '#machines/host-network.ts';
import type { AddressLease } from '#machines/machine.ts';
import type { NicSpec } from '#machines/machine-spec.ts';

export interface HostNetworkHarness extends AsyncDisposable {
  readonly network: HostNetwork;
  /** Another instance over the same host, as after a restart. */
  reopen(): Promise<HostNetwork>;
}

const CUSTOMER = 'customer-1' as CustomerId;

export function nicOf(id: string, mac: string, changes: Partial<NicSpec> = {}): NicSpec {
  return {
    id,
    mac,
    isMacAuto: true,
    mode: 'dual-stack',
    ipv4: undefined,
    ipv6: undefined,
    dnsServers: [],
    rxLimit: undefined,
    txLimit: undefined,
    ...changes,
  };
}

/** As a store would: what was asked for, or the `nth` address of the range. */
function leasesOf(requests: readonly LeaseRequest[], nth: number): AddressLease[] {
  return requests.map(({ nicId, family, network, prefixLength, gateway, ...request }) => {
    const first = parseIpAddress('first', request.firstAddress);
    const address = request.address ?? formatIpAddress(addressAfter(first, BigInt(nth)));
    return { nicId, family, network, address, prefixLength, gateway };
  });
}

export function attachRequest(
  network: HostNetwork,
  machine: { readonly id: string; readonly nics: readonly NicSpec[]; readonly nth?: number },
): AttachRequest {
  const { id, nics, nth = 0 } = machine;
  const requests = nics.flatMap((nic, index) =>
    leasesOf(network.planLeases([nic], ['config.network[0]']), nth + index),
  );
  return { machineId: id as MachineId, customerId: CUSTOMER, nics, leases: requests };
}

const NICS = [nicOf('eth0', '02:00:00:00:01:01'), nicOf('eth1', '02:00:00:00:01:02')];

export function testHostNetwork(
  name: string,
  open: () => Promise<HostNetworkHarness>,
  { skip }: { readonly skip: string | false } = { skip: false },
): void {
  const signal = new AbortController().signal;

  describe(`${name} as a host network`, { skip }, () => {
    it('attaches every NIC in the order asked for, under the names it foretold', async () => {
      await using harness = await open();
      const { network } = harness;
      const request = attachRequest(network, { id: 'vm_1', nics: NICS });
      const attached = await network.attach(request, signal);
      assert.deepEqual(
        attached.map(({ nic }) => nic.id),
        ['eth0', 'eth1'],
      );
      for (const attachment of attached) {
        assert.equal(attachment.kind, network.mode);
        const tap = attachment.kind === 'tap' ? attachment.tapDevice : undefined;
        assert.equal(network.tapName(request.machineId, attachment.nic.id), tap);
        const expected = request.leases.filter(({ nicId }) => nicId === attachment.nic.id);
        assert.deepEqual(attachment.leases, expected);
      }
    });

    it('attaches again with the same result, also after a restart', async () => {
      await using harness = await open();
      const request = attachRequest(harness.network, { id: 'vm_1', nics: NICS });
      const once = await harness.network.attach(request, signal);
      assert.deepEqual(await harness.network.attach(request, signal), once);
      assert.deepEqual(await (await harness.reopen()).attach(request, signal), once);
    });

    it('detaches what is attached, and what is not, without complaint', async () => {
      await using harness = await open();
      const { network } = harness;
      const request = attachRequest(network, { id: 'vm_1', nics: NICS });
      await network.detach(request.machineId, NICS, signal);
      await network.attach(request, signal);
      await network.detach(request.machineId, NICS, signal);
      await network.detach(request.machineId, NICS, signal);
      assert.deepEqual(await (await harness.reopen()).sweep([], signal), []);
    });

    it('sweeps the taps of unknown machines and of no others', async () => {
      await using harness = await open();
      const { network } = harness;
      const kept = attachRequest(network, { id: 'vm_kept', nics: NICS.slice(0, 1) });
      const lost = attachRequest(network, { id: 'vm_lost', nics: NICS.slice(1), nth: 1 });
      await network.attach(kept, signal);
      await network.attach(lost, signal);
      const lostTap = network.tapName(lost.machineId, 'eth1');
      const reopened = await harness.reopen();
      const expected = lostTap === undefined ? [] : [lostTap];
      assert.deepEqual(await reopened.sweep([kept.machineId], signal), expected);
      assert.deepEqual(await reopened.sweep([kept.machineId], signal), []);
    });

    it('is healthy, and says in a few words what it is', async () => {
      await using harness = await open();
      const health = await harness.network.health(signal);
      assert.equal(health.isHealthy, true);
      assert.notEqual(health.message, '');
    });

    it('stops when told to', async () => {
      await using harness = await open();
      const { network } = harness;
      const request = attachRequest(network, { id: 'vm_1', nics: NICS });
      const aborted = AbortSignal.abort(new Error('the caller left'));
      await assert.rejects(network.attach(request, aborted), /the caller left/);
      await assert.rejects(network.detach(request.machineId, NICS, aborted), /the caller left/);
      await assert.rejects(network.health(aborted), /the caller left/);
    });
  });
}
