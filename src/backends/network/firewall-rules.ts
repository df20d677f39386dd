/**
 * What nftables is told, as text for `nft -f -`. Each text is one transaction: all of it, or
 * nothing.
 *
 *     from a guest ──▶ prerouting ──▶ chain of its tap: its own MAC and addresses, or dropped
 *                         ├──▶ input ──▶ the host, and by its routing elsewhere, not to guests
 *                         └──▶ forward ──▶ `to_` chain of the receiver's tap: same customer,
 *                                          or dropped
 *
 * Invariants:
 *  - A tap's rules are in force before the tap comes up, and are removed after it is gone.
 *  - A tap that is in `ports` without belonging to a tenant reaches no other guest.
 *  - Both tables are named for the bridge; no other table of the host is read or touched.
 */
import { formatIpAddress, parseIpAddress } from '#kernel/ip-address.ts';
import { membersOf, property } from './json-shape.ts';
import type { Subnet } from './subnet.ts';

export type Isolation = 'machine' | 'customer';

export interface BridgeRules {
  readonly bridge: string;
  readonly isolation: Isolation;
  readonly ipv4: Subnet;
  readonly ipv6: Subnet | undefined;
  readonly masquerade: boolean;
}

export interface PortRules {
  readonly tap: string;
  readonly mac: string;
  /** None: the guest may not speak this family at all. */
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** Stand for the customer; two words, because one could be another customer's by chance. */
  readonly marks: readonly [string, string];
}

/** The sets and maps of the guests' table; each holds a tap under its name. */
const TABLES_BY_TAP = ['guests', 'receivers', 'tenants_a', 'tenants_b', 'ports'] as const;
type TableByTap = (typeof TABLES_BY_TAP)[number];

export function firewallTable(bridge: string): string {
  return `drover_${bridge}`;
}

/** The tables with their fixed rules; loading it again changes nothing for attached taps. */
export function bridgeRuleset(rules: BridgeRules): string {
  return [...guestTable(rules), ...natTable(rules)].join('\n');
}

function guestTable(rules: BridgeRules): string[] {
  const { bridge, isolation } = rules;
  const table = `bridge ${firewallTable(bridge)}`;
  return [
    `add table ${table}`,
    `add set ${table} ports { type ifname; }`,
    `add map ${table} guests { type ifname : verdict; }`,
    `add map ${table} receivers { type ifname : verdict; }`,
    `add map ${table} tenants_a { type ifname : mark; }`,
    `add map ${table} tenants_b { type ifname : mark; }`,
    // -300 is before the bridge decides where a frame goes, -200 where it has.
    `add chain ${table} prerouting { type filter hook prerouting priority -300; }`,
    `add chain ${table} forward { type filter hook forward priority -200; }`,
    `add chain ${table} input { type filter hook input priority -200; }`,
    `flush chain ${table} prerouting`,
    `flush chain ${table} forward`,
    `flush chain ${table} input`,
    `add rule ${table} prerouting iifname vmap @guests`,
    ...(isolation === 'customer'
      ? [`add rule ${table} forward iifname @ports oifname vmap @receivers`]
      : []),
    `add rule ${table} forward iifname @ports oifname @ports drop`,
    ...inputRules(rules).map((rule) => `add rule ${table} input ${rule}`),
  ];
}

/**
 * Guests must not get around the bridge by asking the host to route from it back into it. This is
 * where the bridge hands frames to the host; in the host's own `forward` hook a frame the bridge
 * itself forwards can look the same (br_netfilter).
 */
function inputRules({ ipv4, ipv6 }: BridgeRules): string[] {
  const back = (family: string, { cidr, gateway }: Subnet) =>
    `iifname @ports ${family} daddr ${cidr} ${family} daddr != ${gateway} drop`;
  return [back('ip', ipv4), ...(ipv6 === undefined ? [] : [back('ip6', ipv6)])];
}

/** It holds fixed rules only, so it is made anew, or not. */
function natTable({ bridge, ipv4, masquerade }: BridgeRules): string[] {
  const table = `ip ${firewallTable(bridge)}`;
  const chain = 'type nat hook postrouting priority 100;';
  return [
    `add table ${table}`,
    `delete table ${table}`,
    ...(masquerade
      ? [
          `add table ${table}`,
          `add chain ${table} postrouting { ${chain} }`,
          `add rule ${table} postrouting ip saddr ${ipv4.cidr} oifname != "${bridge}" masquerade`,
        ]
      : []),
  ];
}

/** Loading it again is harmless: a machine's customer never changes, its rules are replaced. */
export function addPortRules(bridge: string, ports: readonly PortRules[]): string {
  const table = `bridge ${firewallTable(bridge)}`;
  const chain = (name: string, rules: readonly string[]) => [
    `add chain ${table} ${name}`,
    `flush chain ${table} ${name}`,
    ...rules.map((rule) => `add rule ${table} ${name} ${rule}`),
  ];
  return ports
    .flatMap((port) => [
      ...chain(port.tap, senderRules(port)),
      ...chain(receiverChain(port.tap), receiverRules(port)),
      `add element ${table} guests { ${port.tap} : jump ${port.tap} }`,
      `add element ${table} receivers { ${port.tap} : jump ${receiverChain(port.tap)} }`,
      `add element ${table} tenants_a { ${port.tap} : ${port.marks[0]} }`,
      `add element ${table} tenants_b { ${port.tap} : ${port.marks[1]} }`,
      `add element ${table} ports { ${port.tap} }`,
    ])
    .join('\n');
}

/** Fails as a whole when one of the taps has not all its rules; see `removeFoundRules`. */
export function removePortRules(bridge: string, taps: readonly string[]): string {
  return removeFoundRules(bridge, {
    elements: taps.flatMap((tap) => TABLES_BY_TAP.map((name) => ({ name, tap }))),
    chains: taps.flatMap((tap) => [tap, receiverChain(tap)]),
  });
}

export interface FoundRules {
  readonly elements: readonly { readonly name: TableByTap; readonly tap: string }[];
  readonly chains: readonly string[];
}

export function removeFoundRules(bridge: string, found: FoundRules): string {
  const table = `bridge ${firewallTable(bridge)}`;
  return [
    ...found.elements.map(({ name, tap }) => `delete element ${table} ${name} { ${tap} }`),
    ...found.chains.flatMap((chain) => [
      `flush chain ${table} ${chain}`,
      `delete chain ${table} ${chain}`,
    ]),
  ].join('\n');
}

/** Reads `nft -j list table`: what of the taps' rules is there, for the taps that are wanted. */
export function findPortRules(listing: unknown, isWanted: (tap: string) => boolean): FoundRules {
  const elements: { name: TableByTap; tap: string }[] = [];
  const chains: string[] = [];
  for (const entry of membersOf(property(listing, 'nftables'))) {
    const chain = property(property(entry, 'chain'), 'name');
    if (typeof chain === 'string' && isWanted(chain.replace(/^to_/, ''))) chains.push(chain);
    const table = property(entry, 'set') ?? property(entry, 'map');
    const name = TABLES_BY_TAP.find((known) => known === property(table, 'name'));
    if (name === undefined) continue;
    for (const element of membersOf(property(table, 'elem'))) {
      const tap: unknown = Array.isArray(element) ? element[0] : element;
      if (typeof tap === 'string' && isWanted(tap)) elements.push({ name, tap });
    }
  }
  return { elements, chains };
}

const UNADDRESSED_TYPES = '{ nd-neighbor-solicit, mld-listener-report, mld2-listener-report }';

function receiverChain(tap: string): string {
  return `to_${tap}`;
}

function senderRules({ mac, ipv4, ipv6 }: PortRules): string[] {
  const linkLocal = linkLocalOf(mac);
  const owned6 = `{ ${[...ipv6, linkLocal].join(', ')} }`;
  return [
    `ether saddr != ${mac} drop`,
    // Also ends what is wrapped in a VLAN tag.
    'ether type != { ip, arp, ip6 } drop',
    ...(ipv4.length === 0
      ? []
      : [
          `arp saddr ether != ${mac} drop`,
          // 0.0.0.0 is how one asks whether an address is in use.
          `arp saddr ip { 0.0.0.0, ${ipv4.join(', ')} } return`,
          `ip saddr { ${ipv4.join(', ')} } return`,
        ]),
    ...(ipv6.length === 0
      ? []
      : [
          'icmpv6 type { nd-router-advert, nd-redirect } drop',
          // Bytes 8 to 24 of an advertisement are the address it claims.
          `icmpv6 type nd-neighbor-advert @th,64,128 != ${hexSet([...ipv6, linkLocal])} drop`,
          `ip6 saddr ${owned6} return`,
          // Without an address yet one may ask for a neighbour and join groups.
          `ip6 saddr :: icmpv6 type ${UNADDRESSED_TYPES} return`,
        ]),
    'drop',
  ];
}

function receiverRules({ marks }: PortRules): string[] {
  return [
    // An unknown sender leaves the mark at 0, which is no customer's.
    'meta mark set 0',
    'meta mark set iifname map @tenants_a',
    `meta mark != ${marks[0]} drop`,
    'meta mark set 0',
    'meta mark set iifname map @tenants_b',
    `meta mark != ${marks[1]} drop`,
    'meta mark set 0',
    'accept',
  ];
}

/** The address a guest gives itself from its MAC (modified EUI-64), needed for IPv6 to work. */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((part) => BigInt(`0x${part}`));
  const [first = 0n, second = 0n, third = 0n, ...rest] = bytes;
  const interfaceId = [first ^ 2n, second, third, 0xffn, 0xfen, ...rest];
  const low = interfaceId.reduce((value, byte) => (value << 8n) | byte, 0n);
  return formatIpAddress({ family: 6, value: (0xfe80n << 112n) | low });
}

function hexSet(addresses: readonly string[]): string {
  const hex = addresses.map((text) => `0x${parseIpAddress('address', text).value.toString(16)}`);
  return `{ ${hex.join(', ')} }`;
}
