/** What a tap network is made with, checked and filled in. */
import { isIP } from 'node:net';

import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { Isolation } from './firewall-rules.ts';
import { parseSubnet } from './subnet.ts';
import type { Subnet } from './subnet.ts';

export interface TapNetworkOptions {
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Log;
  readonly bridge?: string;
  readonly ipv4Subnet?: string;
  /** `none`: guests get IPv4 alone. */
  readonly ipv6Subnet?: string;
  /** For guests whose NIC names none. */
  readonly dnsServers?: readonly string[];
  /** `machine`: guests reach only the host. `customer`: and each other, within one customer. */
  readonly isolation?: Isolation;
  /** Who may open the taps; absent: whoever has CAP_NET_ADMIN. */
  readonly tapOwner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The named network namespace to work in; absent: Drover's own. */
  readonly netns?: string | undefined;
  /** Lets guests reach the world under the host's IPv4 address; turns on the host's forwarding. */
  readonly masquerade?: boolean;
  /** Take over a bridge that somebody else made, with the ports it has. */
  readonly adoptBridge?: boolean;
}

export interface TapNetworkPlan {
  readonly hostId: HostId;
  readonly bridge: string;
  readonly ipv4: Subnet;
  readonly ipv6: Subnet | undefined;
  readonly dnsServers: readonly string[];
  readonly isolation: Isolation;
  readonly tapOwner: { readonly uid: number; readonly gid: number } | undefined;
  readonly masquerade: boolean;
  readonly adoptBridge: boolean;
}

const DEFAULT_BRIDGE = 'drover0';
const DEFAULT_IPV4_SUBNET = '172.31.0.0/19';
/** A unique local prefix; its random part is fixed, so all hosts' documents can show it. */
const DEFAULT_IPV6_SUBNET = 'fd00:d0e:5a1c:77::/64';

/** The kernel takes 15 characters; nftables, which has tables named for the bridge, takes these. */
const BRIDGE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,14}$/;

export function planTapNetwork(options: TapNetworkOptions): TapNetworkPlan {
  const bridge = options.bridge ?? DEFAULT_BRIDGE;
  if (!BRIDGE_NAME.test(bridge)) {
    const form = 'at most 15 letters, digits, _ and -, the first a letter';
    throw invalidArgument('network bridge', `must be ${form}`);
  }
  const dnsServers = options.dnsServers ?? [];
  const wrong = dnsServers.find((server) => isIP(server) === 0);
  if (wrong !== undefined) {
    throw invalidArgument('network DNS servers', `must be IP addresses, not ${wrong}`);
  }
  const ipv6 = options.ipv6Subnet ?? DEFAULT_IPV6_SUBNET;
  return {
    hostId: options.hostId,
    bridge,
    ipv4: parseSubnet('network IPv4 subnet', options.ipv4Subnet ?? DEFAULT_IPV4_SUBNET, 4),
    ipv6: ipv6 === 'none' ? undefined : parseSubnet('network IPv6 subnet', ipv6, 6),
    dnsServers,
    isolation: options.isolation ?? 'machine',
    tapOwner: options.tapOwner,
    masquerade: options.masquerade ?? false,
    adoptBridge: options.adoptBridge ?? false,
  };
}
