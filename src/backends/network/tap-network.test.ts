import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { systemClock } from '#kernel/clock.ts';
import type { HostId, MachineId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { attachRequest, nicOf, testHostNetwork } from '#test/contract/host-network.ts';
import type { HostNetworkHarness } from '#test/contract/host-network.ts';
import { namespacesMissing, NetworkNamespace } from '#test/network-namespace.ts';
import { openTapNetwork } from './tap-network.ts';
import type { TapNetworkOptions } from './tap-network-options.ts';

const skip = await namespacesMissing();
const signal = new AbortController().signal;

function optionsIn(
  { name }: NetworkNamespace,
  changes: Partial<TapNetworkOptions> = {},
): TapNetworkOptions {
  const hostId = 'host-1' as HostId;
  return { hostId, clock: systemClock, log: silentLog, netns: name, ...changes };
}

async function openHarness(): Promise<HostNetworkHarness> {
  const namespace = await NetworkNamespace.open();
  const open = () => openTapNetwork(optionsIn(namespace), signal);
  return {
    network: await open(),
    reopen: open,
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

testHostNetwork('TapNetwork', openHarness, { skip });

describe('openTapNetwork', { skip }, () => {
  it('makes the bridge with its addresses, and finds it the second time', async () => {
    await using host = await NetworkNamespace.open();
    await openTapNetwork(optionsIn(host, { bridge: 'br-vms' }), signal);
    const made = await host.run('ip', ['-o', 'link', 'show', 'br-vms']);
    await openTapNetwork(optionsIn(host, { bridge: 'br-vms' }), signal);
    assert.equal(await host.run('ip', ['-o', 'link', 'show', 'br-vms']), made);
    const addresses = await host.run('ip', ['-o', 'addr', 'show', 'br-vms']);
    assert.match(addresses, /inet 172\.31\.0\.1\/19 /);
    assert.match(addresses, /inet6 fd00:d0e:5a1c:77::1\/64 /);
  });

  it('moves its bridge to another subnet when the plan changes', async () => {
    await using host = await NetworkNamespace.open();
    await openTapNetwork(optionsIn(host), signal);
    await openTapNetwork(optionsIn(host, { ipv4Subnet: '10.77.0.0/24' }), signal);
    const addresses = await host.run('ip', ['-o', '-4', 'addr', 'show', 'drover0']);
    assert.match(addresses, /inet 10\.77\.0\.1\/24 /);
    assert.doesNotMatch(addresses, /172\.31/);
  });

  it('refuses a bridge that is not its own, unless it may adopt it', async () => {
    await using host = await NetworkNamespace.open();
    await host.run('ip', ['link', 'add', 'name', 'br0', 'type', 'bridge']);
    await assert.rejects(openTapNetwork(optionsIn(host, { bridge: 'br0' }), signal), {
      kind: 'failed_precondition',
      reason: 'BRIDGE_NOT_OURS',
    });
    await openTapNetwork(optionsIn(host, { bridge: 'br0', adoptBridge: true }), signal);
    const { isHealthy } = await (
      await openTapNetwork(optionsIn(host, { bridge: 'br0', adoptBridge: true }), signal)
    ).health(signal);
    assert.equal(isHealthy, true);
  });

  it('refuses a subnet that overlaps an address of the host, naming both', async () => {
    await using host = await NetworkNamespace.open();
    await host.run('ip', ['link', 'add', 'name', 'lan', 'type', 'bridge']);
    await host.run('ip', ['addr', 'add', '172.31.3.4/16', 'dev', 'lan']);
    await assert.rejects(openTapNetwork(optionsIn(host), signal), {
      kind: 'failed_precondition',
      reason: 'SUBNET_OVERLAP',
      message: /172\.31\.0\.0\/19 .* 172\.31\.3\.4\/16 of lan/,
    });
  });

  it('says which capability is missing, and what works without it', async () => {
    await using host = await NetworkNamespace.open();
    const unprivileged = ['--bounding-set=-net_admin', '--', process.execPath];
    const script = `
      import { openTapNetwork } from '#backends/network/tap-network.ts';
      import { systemClock } from '#kernel/clock.ts';
      import { silentLog } from '#kernel/log.ts';
      const options = { hostId: 'h', clock: systemClock, log: silentLog };
      openTapNetwork(options, new AbortController().signal).catch((error) =>
        process.stdout.write(error.kind + ': ' + error.message));
    `;
    const args = [...unprivileged, '--input-type=module-typescript', '--eval', script];
    const said = await host.run('setpriv', args);
    assert.match(said, /^failed_precondition: .*CAP_NET_ADMIN.* network mode user/);
  });
});

describe('TapNetwork', { skip }, () => {
  it('gives taps to the user that will open them, marked with their owner', async () => {
    await using host = await NetworkNamespace.open();
    const tapOwner = { uid: 54_321, gid: 54_322 };
    const network = await openTapNetwork(optionsIn(host, { tapOwner }), signal);
    const nics = [nicOf('eth0', '02:00:00:00:00:01')];
    const request = attachRequest(network, { id: 'vm_1', nics });
    await network.attach(request, signal);
    const shown = await host.run('ip', [
      '-d',
      'link',
      'show',
      network.tapName(request.machineId, 'eth0'),
    ]);
    assert.match(shown, /alias drover:drover0:vm_1:eth0/);
    assert.match(shown, /tun type tap pi off vnet_hdr on persist on user 54321 group 54322/);
    assert.match(shown, /bridge_slave .*learning off flood off .*isolated on/);
  });

  it('finishes what a killed attach began', async () => {
    await using host = await NetworkNamespace.open();
    const tapOwner = { uid: 54_321, gid: 54_322 };
    const network = await openTapNetwork(optionsIn(host, { tapOwner }), signal);
    const limit = { bytesPerSecond: 1_000_000, burstBytes: 10_000, refillMs: 100 };
    const nics = [nicOf('eth0', '02:00:00:00:00:01', { rxLimit: limit, txLimit: limit })];
    const request = attachRequest(network, { id: 'vm_1', nics });
    const tap = network.tapName(request.machineId, 'eth0');
    await host.run('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap', 'vnet_hdr']);
    await network.attach(request, signal);
    const shown = await host.run('ip', ['-d', 'link', 'show', tap]);
    assert.match(shown, /master drover0/);
    assert.match(shown, /qdisc tbf/);
    assert.match(shown, /user 54321 group 54322/);
  });

  it('leaves nothing behind: no device, no rule, no queue', async () => {
    await using host = await NetworkNamespace.open();
    const network = await openTapNetwork(optionsIn(host), signal);
    const listing = () =>
      Promise.all([
        host.run('ip', ['-br', 'link']),
        host.run('nft', ['list', 'ruleset']),
        host.run('tc', ['qdisc', 'show']),
        host.run('bridge', ['fdb', 'show']),
      ]);
    const before = await listing();
    const limit = { bytesPerSecond: 1_000_000, burstBytes: 10_000, refillMs: 100 };
    const nics = [nicOf('eth0', '02:00:00:00:00:01', { rxLimit: limit, txLimit: limit })];
    const request = attachRequest(network, { id: 'vm_1', nics });
    await network.attach(request, signal);
    await network.detach(request.machineId, nics, signal);
    assert.deepEqual(await listing(), before);
  });

  it('leaves the device of somebody else alone and says so', async () => {
    await using host = await NetworkNamespace.open();
    const network = await openTapNetwork(optionsIn(host), signal);
    const nics = [nicOf('eth0', '02:00:00:00:00:01')];
    const request = attachRequest(network, { id: 'vm_1', nics });
    const tap = network.tapName(request.machineId, 'eth0');
    await host.run('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap']);
    await host.run('ip', ['link', 'set', 'dev', tap, 'alias', 'somebody']);
    await assert.rejects(network.attach(request, signal), { reason: 'TAP_NOT_OURS' });
    await network.detach(request.machineId, nics, signal);
    assert.match(await host.run('ip', ['link', 'show', tap]), /alias somebody/);
  });

  it('refuses a MAC address that another guest on the bridge has', async () => {
    await using host = await NetworkNamespace.open();
    const network = await openTapNetwork(optionsIn(host), signal);
    const nics = [nicOf('eth0', '02:00:00:00:00:01')];
    await network.attach(attachRequest(network, { id: 'vm_1', nics }), signal);
    await assert.rejects(
      network.attach(attachRequest(network, { id: 'vm_2', nics, nth: 1 }), signal),
      { kind: 'failed_precondition', reason: 'MAC_IN_USE', metadata: { mac: '02:00:00:00:00:01' } },
    );
  });

  it('forgets rules whose tap is gone when it sweeps', async () => {
    await using host = await NetworkNamespace.open();
    const network = await openTapNetwork(optionsIn(host), signal);
    const nics = [nicOf('eth0', '02:00:00:00:00:01')];
    const request = attachRequest(network, { id: 'vm_1', nics });
    const before = await host.run('nft', ['list', 'ruleset']);
    await network.attach(request, signal);
    await host.run('ip', ['link', 'del', 'dev', network.tapName(request.machineId, 'eth0')]);
    const reopened = await openTapNetwork(optionsIn(host), signal);
    assert.deepEqual(await reopened.sweep(['vm_1' as MachineId], signal), []);
    assert.equal(await host.run('nft', ['list', 'ruleset']), before);
  });

  it('is unhealthy when its bridge has been taken away', async () => {
    await using host = await NetworkNamespace.open();
    const network = await openTapNetwork(optionsIn(host), signal);
    await host.run('ip', ['link', 'del', 'drover0']);
    assert.equal((await network.health(signal)).isHealthy, false);
  });
});
