/**
 * Guests on taps, shown with real packets. Drover and its bridge live in a network namespace of
 * the test's own, so nothing here touches the network of the host.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { ask, get, type Json } from '#test/api-client.ts';
import { BARE, consoleSays, createDemo, infoOf, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { namespacesMissing, NetworkNamespace } from '#test/network-namespace.ts';
import { until } from '#test/until.ts';

const skip = await namespacesMissing();
const GATEWAY = '10.77.0.1';

async function startInNamespace(t: TestContext, flags: readonly string[] = []) {
  const namespace = await NetworkNamespace.open();
  const subnet = ['--network-ipv4-subnet', '10.77.0.0/24', ...flags];
  const host = await DroverHost.start(t, { namespace, flags: subnet });
  // After what the host itself registered: its processes are gone by then.
  t.after(() => namespace[Symbol.asyncDispose]());
  return { host, namespace };
}

const NIC = { interface_id: 'eth0', guest_mac: 'auto' };
const at = (address: string): Json => ({ ...NIC, guest_ipv4: { address, prefix_length: 24 } });

interface Addresses {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly tap: string;
}

async function addressesOf(host: DroverHost, vmId: string): Promise<Addresses> {
  const [nic] = (await infoOf(host, vmId)).network_info.interfaces;
  return { ipv4: nic.guest_ipv4.address, ipv6: nic.guest_ipv6.address, tap: nic.tap_device };
}

async function links(namespace: NetworkNamespace): Promise<string> {
  return await namespace.run('ip', ['-br', 'link']);
}

describe('a guest on a tap', { skip, concurrency: 2 }, () => {
  it('has the addresses it is said to have, and keeps them over a crash of Drover', async (t) => {
    const { host, namespace } = await startInNamespace(t);
    const vmId = await runDemo(host, { network: [NIC] });
    const { ipv4, ipv6, tap } = await addressesOf(host, vmId);
    assert.match(ipv4, /^10\.77\.0\./);
    assert.equal(await namespace.canReach(ipv4, { tries: 10 }), true);
    assert.equal(await namespace.canReach(ipv6, { tries: 10 }), true);
    // What it uses is looked at twice a second at most.
    await until(async () => {
      const { metrics } = await infoOf(host, vmId);
      return (metrics.network_rx_bytes > 0 && metrics.network_tx_bytes > 0) || undefined;
    }, 'packets both ways that are counted');

    await host.crash();
    assert.equal(await namespace.canReach(ipv4), true, 'while nobody manages it');
    await host.up();
    assert.equal(await namespace.canReach(ipv4), true);
    assert.equal(await namespace.canReach(ipv6), true);
    assert.deepEqual(await addressesOf(host, vmId), { ipv4, ipv6, tap });
    assert.match(await links(namespace), new RegExp(tap));
    assert.equal((await get(host, '/health')).json.status, 'healthy');

    await ask(host, 'DeleteVm', { vm_id: vmId, force: true });
    assert.doesNotMatch(await links(namespace), /\bd[ts][0-9a-f]{12}\b/);
    assert.equal(await namespace.canReach(ipv4, { tries: 1 }), false);
  });

  it('gets its firewall rules back when they were emptied while Drover was away', async (t) => {
    const { host, namespace } = await startInNamespace(t);
    const vmId = await runDemo(host, { ...BARE, network: [NIC] });
    const { tap } = await addressesOf(host, vmId);
    assert.match(await namespace.run('nft', ['list', 'ruleset']), new RegExp(tap));
    await host.crash();
    await namespace.run('nft', ['flush', 'ruleset']);
    await host.up();
    await get(host, '/health');
    assert.match(await namespace.run('nft', ['list', 'ruleset']), new RegExp(tap));
  });
});

describe('guests of two customers on one bridge', { skip }, () => {
  it('reach the host and not each other', async (t) => {
    const { host } = await startInNamespace(t);
    const script = (other: string) => `
      ping -c 3 -W 2 ${GATEWAY} >/dev/null && echo 'host reached' || echo 'host unreachable'
      ping -c 3 -W 1 ${other} >/dev/null && echo 'other reached' || echo 'other unreachable'
    `;
    const tokens = ['dev_customer_one', 'dev_customer_two'] as const;
    const run = (own: string, other: string, token: string) =>
      runDemo(host, { token, network: [at(own)], script: script(other) });
    const [one, two] = await Promise.all([
      run('10.77.0.50', '10.77.0.51', tokens[0]),
      run('10.77.0.51', '10.77.0.50', tokens[1]),
    ]);
    for (const [vmId, token] of [
      [one, tokens[0]],
      [two, tokens[1]],
    ] as const) {
      await consoleSays(host, vmId, /host reached[^]*other unreachable/, { token });
    }
  });
});

describe('the addresses of machines', { skip, concurrency: 2 }, () => {
  it('are handed out once, and again only when their machine is deleted', async (t) => {
    const flags = ['--network-ipv4-subnet', '10.78.0.0/29', '--network-ipv6-subnet', 'none'];
    const namespace = await NetworkNamespace.open();
    const host = await DroverHost.start(t, { namespace, flags });
    t.after(() => namespace[Symbol.asyncDispose]());
    const network = [{ ...NIC, mode: 'NETWORK_MODE_IPV4_ONLY' }];
    const held = new Map<string, string>();
    let full: Json;
    while (held.size < 10 && full === undefined) {
      const id = `vm-${held.size}`;
      const created = await createDemo(host, { id, network }).catch((error: Error) => error);
      if (created instanceof Error) full = created.message;
      else held.set((await infoOf(host, id)).network_info.ip_address, id);
    }
    // 8 addresses less network, broadcast and the host's own.
    assert.equal(held.size, 5, String(full));
    assert.match(full, /resource_exhausted/);
    const [address = '', id = ''] = [...held][2] ?? [];
    const same = { ...NIC, guest_ipv4: { address, prefix_length: 29 } };
    const config = { network: [{ ...same, mode: 'NETWORK_MODE_IPV4_ONLY' }] };
    const taken = await createDemo(host, config).catch((error: Error) => error.message);
    assert.match(taken, /already_exists/);
    // Off is not gone: the address stays with its machine.
    await ask(host, 'BootVm', { vm_id: id });
    await ask(host, 'ShutdownVm', { vm_id: id, force: true });
    await assert.rejects(createDemo(host, { network }), /resource_exhausted/);
    await ask(host, 'DeleteVm', { vm_id: id });
    const next = await createDemo(host, { network });
    assert.equal((await infoOf(host, next)).network_info.ip_address, address);
  });

  it('outside the subnets of the host are refused, naming the field', async (t) => {
    const { host } = await startInNamespace(t);
    const error = await createDemo(host, { network: [at('192.168.7.7')] }).catch(String);
    assert.match(error, /invalid_argument.*network\[0\]\.guest_ipv4/);
  });
});
