/**
 * Tells a guest its addresses on the kernel's command line, one word per NIC and family:
 *
 *     ip=<address>::<gateway>:<netmask>:<host name>:ethN:off:<DNS>:<DNS>     as the kernel reads it
 *     drover.ip6=<address>/<prefix length>,<gateway>:ethN                    read by our images
 *
 * Only the first NIC of a family has a gateway, so that there is one default route.
 */
import { isIPv4 } from 'node:net';

import { prefixToNetmask } from '#kernel/ip-address.ts';
import type { NicAttachment } from './host-network.ts';
import type { AddressLease } from './machine.ts';
import type { MachineSpec } from './machine-spec.ts';

/**
 * The specification with the addresses on its kernel's command line. A caller who wrote an `ip=`
 * of its own is left alone, and a guest that boots from its disk cannot be told this way.
 */
export function withNicKernelArgs(
  spec: MachineSpec,
  nics: readonly NicAttachment[],
  hostname: string,
): MachineSpec {
  const { boot } = spec;
  if (boot.kind !== 'kernel' || /(^| )ip=/.test(boot.kernelArgs)) return spec;
  const added = nicKernelArgs(nics, hostname);
  if (added === '') return spec;
  return { ...spec, boot: { ...boot, kernelArgs: `${boot.kernelArgs} ${added}`.trim() } };
}

export function nicKernelArgs(nics: readonly NicAttachment[], hostname: string): string {
  const words: string[] = [];
  const routed = new Set<4 | 6>();
  for (const [index, { nic, leases }] of nics.entries()) {
    for (const lease of leases) {
      const gateway = routed.has(lease.family) ? '' : lease.gateway;
      routed.add(lease.family);
      const device = `eth${index}`;
      words.push(
        lease.family === 4
          ? ipv4Word(lease, { gateway, device, hostname, dnsServers: nic.dnsServers })
          : ipv6Word(lease, gateway, device),
      );
    }
  }
  return words.join(' ');
}

interface Ipv4Surroundings {
  readonly gateway: string;
  readonly device: string;
  readonly hostname: string;
  readonly dnsServers: readonly string[];
}

function ipv4Word(lease: AddressLease, around: Ipv4Surroundings): string {
  // Colons separate the parts, so an IPv6 server cannot be named here.
  const dns = around.dnsServers.filter((server) => isIPv4(server)).slice(0, 2);
  const parts = [
    lease.address,
    '',
    around.gateway,
    prefixToNetmask(lease.prefixLength),
    hostnameOf(around.hostname),
    around.device,
    'off',
    ...dns,
  ];
  return `ip=${parts.join(':')}`;
}

function ipv6Word(lease: AddressLease, gateway: string, device: string): string {
  const route = gateway === '' ? '' : `,${gateway}`;
  return `drover.ip6=${lease.address}/${lease.prefixLength}${route}:${device}`;
}

/** A machine's id may hold what a host's name may not, and be longer. */
function hostnameOf(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
}
