/**
 * Guests on taps, shown with real packets. Drover and its bridge live in a network namespace of
 * the test's own, so nothing here touches the network of the host.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';

import { ask, get, type Json } from '#test/api-client.ts';
import { consoleSays, createDemo, infoOf, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { namespacesMissing, NetworkNamespace } from '#test/network-namespace.ts';

const skip = await namespacesMissing();
const GATEWAY = '10.77.0.1';
const sleep = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

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
    const { metrics } = await infoOf(host, vmId);
    assert.ok(metrics.network_rx_bytes > 0 && metrics.network_tx_bytes > 0);

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
    const vmId = await runDemo(host, { network: [NIC] });
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

/** Bytes per second that the guest receives, as the API counts them. */
async function receivedPerSecond(host: DroverHost, vmId: string): Promise<number> {
  const read = async () => Number((await infoOf(host, vmId)).metrics.network_rx_bytes);
  while ((await read()) < 1_000_000) await sleep(100);
  const [before, startedAt] = [await read(), performance.now()];
  await sleep(3000);
  const bytes = (await read()) - before;
  return (bytes * 1000) / (performance.now() - startedAt);
}

const STREAM = fileURLToPath(new URL('../tcp-stream.ts', import.meta.url));

describe('a guest with a rate limit', { skip }, () => {
  it('sends and receives no more than the limit says, and not far less', async (t) => {
    const { host, namespace } = await startInNamespace(t);
    const bytesPerSecond = 500_000;
    const limit = {
      bandwidth_bytes_per_second: bytesPerSecond,
      burst_bytes: 16_384,
      refill_time_millis: 100,
    };
    const sizes = ['500000', '1500000'];
    const receiver = namespace.start(process.execPath, [STREAM, 'receive', '7001', ...sizes]);
    assert.ok(receiver.stdout);
    const lines = createInterface({ input: receiver.stdout });
    await once(lines, 'line');
    const sentPerSecond = once(lines, 'line');
    const script = `
      nc -ll -p 7000 -e dd of=/dev/null &
      until netstat -ltn | grep -q ':7000 '; do usleep 50000; done
      echo 'listening now'
      dd if=/dev/zero bs=16k | nc ${GATEWAY} 7001
    `;
    const vmId = await runDemo(host, { network: [{ ...NIC, rate_limit: limit }], script });
    await consoleSays(host, vmId, /listening now/);
    const { ipv4 } = await addressesOf(host, vmId);
    namespace.start(process.execPath, [STREAM, 'send', ipv4, '7000']);
    const received = await receivedPerSecond(host, vmId);
    const sent = Number((await sentPerSecond)[0]);
    // A guest that waits for a processor takes less; without a limit it takes twenty times more.
    const isLimited = (rate: number) => rate > 0.4 * bytesPerSecond && rate < 1.25 * bytesPerSecond;
    assert.ok(isLimited(received), `received ${received} B/s`);
    assert.ok(isLimited(sent), `sent ${sent} B/s`);
  });
});
