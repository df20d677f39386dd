import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nicOf } from '#test/contract/host-network.ts';
import { planNicLeases } from './lease-plan.ts';
import type { AddressSpace } from './lease-plan.ts';
import { parseSubnet } from './subnet.ts';

const SPACE: AddressSpace = {
  hostId: 'host-1',
  bridge: 'drover0',
  ipv4: parseSubnet('ipv4', '172.31.0.0/19', 4),
  ipv6: parseSubnet('ipv6', 'fd00:d0e::/64', 6),
};
const MAC = '02:00:00:00:00:01';

function asking(ipv4: { address?: string; prefixLength?: number; gateway?: string }) {
  const { address, prefixLength, gateway } = ipv4;
  return nicOf('eth0', MAC, { ipv4: { address, prefixLength, gateway } });
}

describe('planNicLeases', () => {
  it('leases one address of each family, out of the range without its special addresses', () => {
    const common = { nicId: 'eth0', address: undefined };
    assert.deepEqual(planNicLeases(nicOf('eth0', MAC), 'network[0]', SPACE), [
      {
        ...common,
        family: 4,
        network: 'host-1/drover0/4',
        firstAddress: '172.31.0.2',
        lastAddress: '172.31.31.254',
        excluded: ['172.31.0.1'],
        prefixLength: 19,
        gateway: '172.31.0.1',
        field: 'network[0] IPv4 address',
      },
      {
        ...common,
        family: 6,
        network: 'host-1/drover0/6',
        firstAddress: 'fd00:d0e::2',
        lastAddress: 'fd00:d0e::ffff:ffff:ffff:ffff',
        excluded: ['fd00:d0e::1'],
        prefixLength: 64,
        gateway: 'fd00:d0e::1',
        field: 'network[0] IPv6 address',
      },
    ]);
  });

  for (const [mode, families] of [
    ['dual-stack', [4, 6]],
    ['ipv4-only', [4]],
    ['ipv6-only', [6]],
  ] as const) {
    it(`leases IPv${families.join(' and IPv')} in mode ${mode}`, () => {
      const leases = planNicLeases(nicOf('eth0', MAC, { mode }), 'network[0]', SPACE);
      assert.deepEqual(
        leases.map(({ family }) => family),
        families,
      );
    });
  }

  it('takes what fits the subnet, in one way of writing', () => {
    const asked = { address: 'FD00:D0E:0::00AB', prefixLength: 64, gateway: 'fd00:d0e:0:0::1' };
    const nic = nicOf('eth0', MAC, { mode: 'ipv6-only', ipv6: asked });
    assert.equal(planNicLeases(nic, 'network[0]', SPACE)[0]?.address, 'fd00:d0e::ab');
    const whole = asking({ address: '172.31.0.9', prefixLength: 0, gateway: '' });
    assert.equal(planNicLeases(whole, 'network[0]', SPACE)[0]?.address, '172.31.0.9');
  });

  for (const [what, asked, message] of [
    [
      'of another network',
      { address: '10.0.0.5' },
      /^n IPv4 address: 10\.0\.0\.5 lies outside.*\/19/,
    ],
    ['of the network', { address: '172.31.0.0' }, /^n IPv4 address: .* the network's own/],
    ['of everybody', { address: '172.31.31.255' }, /^n IPv4 address: .* the broadcast address/],
    ['of the gateway', { address: '172.31.0.1' }, /^n IPv4 address: .* the gateway's/],
    ['of the wrong family', { address: 'fd00::5' }, /^n IPv4 address: must be an IPv4 address/],
    ['that is none', { address: '172.31.0' }, /^n IPv4 address: must be/],
    [
      'with another mask',
      { address: '172.31.0.9', prefixLength: 24 },
      /^n IPv4 prefix.*must be 19/,
    ],
    ['with another gateway', { gateway: '172.31.0.2' }, /^n IPv4 gateway: must be 172\.31\.0\.1/],
  ] as const) {
    it(`refuses an address ${what}, naming the field`, () => {
      assert.throws(() => planNicLeases(asking(asked), 'n', SPACE), {
        kind: 'invalid_argument',
        message,
      });
    });
  }

  it('names a field as the caller did', () => {
    const fields = { address: 'guest_ipv4.address', prefixLength: 'p', gateway: 'g' };
    const ipv4 = { address: '10.0.0.5', prefixLength: undefined, gateway: undefined, fields };
    assert.throws(() => planNicLeases(nicOf('eth0', MAC, { ipv4 }), 'n', SPACE), {
      metadata: { field: 'guest_ipv4.address' },
    });
  });

  it('refuses an address of a family that the mode or the host leaves out', () => {
    const ipv6 = { address: 'fd00:d0e::5', prefixLength: undefined, gateway: undefined };
    const nic = nicOf('eth0', MAC, { mode: 'ipv4-only', ipv6 });
    assert.throws(() => planNicLeases(nic, 'n', SPACE), /n IPv6 address: the mode is IPv4 only/);
    const noIpv6 = { ...SPACE, ipv6: undefined };
    assert.throws(
      () => planNicLeases(nicOf('eth0', MAC, { ipv6 }), 'n', noIpv6),
      /n IPv6 address: this host has no IPv6 network/,
    );
    assert.throws(
      () => planNicLeases(nicOf('eth0', MAC, { mode: 'ipv6-only' }), 'n', noIpv6),
      /n mode: this host has no IPv6 network/,
    );
    assert.equal(planNicLeases(nicOf('eth0', MAC), 'n', noIpv6).length, 1);
  });
});

describe('parseSubnet', () => {
  it('refuses a range too small to hold guests, and host bits', () => {
    assert.throws(() => parseSubnet('s', '10.0.0.0/30', 4), /^DroverError: s: is too small/);
    assert.throws(() => parseSubnet('s', '10.0.0.7/24', 4), /^DroverError: s: .*10\.0\.0\.0\/24/);
    assert.throws(() => parseSubnet('s', 'fd00::/64', 4), /^DroverError: s: must be an IPv4/);
  });
});
