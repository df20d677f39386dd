import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { NicAttachment } from './host-network.ts';
import type { AddressLease } from './machine.ts';
import type { NicSpec } from './machine-spec.ts';
import { nicKernelArgs } from './nic-kernel-args.ts';

function nic(id: string, dnsServers: readonly string[] = []): NicSpec {
  return {
    id,
    mac: '02:00:00:00:00:01',
    isMacAuto: true,
    mode: 'dual-stack',
    ipv4: undefined,
    ipv6: undefined,
    dnsServers,
    rxLimit: undefined,
    txLimit: undefined,
  };
}

function lease(nicId: string, family: 4 | 6, address: string): AddressLease {
  return family === 4
    ? { nicId, family, network: 'h/b/4', address, prefixLength: 19, gateway: '172.31.0.1' }
    : { nicId, family, network: 'h/b/6', address, prefixLength: 64, gateway: 'fd00::1' };
}

function tap(spec: NicSpec, leases: readonly AddressLease[]): NicAttachment {
  return { kind: 'tap', nic: spec, tapDevice: 'dt0', bridge: 'b', leases };
}

describe('nicKernelArgs', () => {
  it('gives each NIC its addresses and only the first a default route', () => {
    const words = nicKernelArgs(
      [
        tap(nic('a', ['1.1.1.1', '2606:4700::1111', '8.8.8.8', '9.9.9.9']), [
          lease('a', 4, '172.31.0.2'),
          lease('a', 6, 'fd00::2'),
        ]),
        tap(nic('b'), [lease('b', 4, '172.31.0.3'), lease('b', 6, 'fd00::3')]),
      ],
      'vm_1',
    );
    assert.deepEqual(words.split(' '), [
      'ip=172.31.0.2::172.31.0.1:255.255.224.0:vm-1:eth0:off:1.1.1.1:8.8.8.8',
      'drover.ip6=fd00::2/64,fd00::1:eth0',
      'ip=172.31.0.3:::255.255.224.0:vm-1:eth1:off',
      'drover.ip6=fd00::3/64:eth1',
    ]);
  });

  it('routes IPv6 through the second NIC when the first has IPv4 only', () => {
    const words = nicKernelArgs(
      [tap(nic('a'), [lease('a', 4, '172.31.0.2')]), tap(nic('b'), [lease('b', 6, 'fd00::3')])],
      'web',
    );
    assert.match(
      words,
      /^ip=172\.31\.0\.2::172\.31\.0\.1:.* drover\.ip6=fd00::3\/64,fd00::1:eth1$/,
    );
  });

  it('says nothing for a NIC without leases, which then asks by DHCP', () => {
    assert.equal(nicKernelArgs([{ kind: 'user', nic: nic('a'), leases: [] }], 'web'), '');
  });
});
