/**
 * Which addresses a stranger may make this server call. An IPv6 address that carries an IPv4 one
 * is judged as that: whatever translates it on the way leads there.
 */
import {
  containsAddress,
  isIpAddress,
  parseCidr,
  parseIpAddress,
  type IpAddress,
} from './ip-address.ts';

export interface AddressPolicy {
  /** Whether loopback and private networks may be called. */
  readonly allowPrivate: boolean;
}

/** An address that is not simply somebody's on the Internet. */
export interface SpecialAddress {
  /** `private`: may be called where the policy says so. `never`: nowhere. */
  readonly group: 'private' | 'never';
  readonly what: string;
}

type Group = SpecialAddress['group'];

/** The first that holds an address decides; what none holds is public. */
const NETWORKS: readonly (readonly [network: string, group: Group, what: string])[] = [
  // Where clouds tell a machine its credentials.
  ['169.254.169.254/32', 'never', 'a metadata service'],
  ['100.100.100.200/32', 'never', 'a metadata service'],
  ['192.0.0.192/32', 'never', 'a metadata service'],
  ['168.63.129.16/32', 'never', 'a metadata service'],
  ['fd00:ec2::254/128', 'never', 'a metadata service'],
  ['fd20:ce::254/128', 'never', 'a metadata service'],

  ['127.0.0.0/8', 'private', 'a loopback address'],
  ['10.0.0.0/8', 'private', 'a private address'],
  ['172.16.0.0/12', 'private', 'a private address'],
  ['192.168.0.0/16', 'private', 'a private address'],
  ['100.64.0.0/10', 'private', 'an address behind a carrier'],
  ['0.0.0.0/8', 'never', 'no address of a host'],
  ['169.254.0.0/16', 'never', 'a link-local address'],
  ['192.0.0.0/24', 'never', 'a reserved address'],
  ['192.0.2.0/24', 'never', 'an address for documentation'],
  ['192.88.99.0/24', 'never', 'a reserved address'],
  ['198.18.0.0/15', 'never', 'an address for benchmarks'],
  ['198.51.100.0/24', 'never', 'an address for documentation'],
  ['203.0.113.0/24', 'never', 'an address for documentation'],
  ['224.0.0.0/4', 'never', 'a multicast address'],
  ['255.255.255.255/32', 'never', 'a broadcast address'],
  ['240.0.0.0/4', 'never', 'a reserved address'],

  ['::1/128', 'private', 'a loopback address'],
  ['fc00::/7', 'private', 'a private address'],
  ['::/128', 'never', 'no address of a host'],
  ['fe80::/10', 'never', 'a link-local address'],
  ['fec0::/10', 'never', 'a site-local address'],
  ['ff00::/8', 'never', 'a multicast address'],
  ['2001:db8::/32', 'never', 'an address for documentation'],
  ['3fff::/20', 'never', 'an address for documentation'],
  ['64:ff9b:1::/48', 'never', 'a reserved address'],
  ['100::/64', 'never', 'a reserved address'],
  ['2001::/23', 'never', 'a reserved address'],
  ['5f00::/16', 'never', 'a reserved address'],
];

const RULES = NETWORKS.map(([network, group, what]) => ({
  cidr: parseCidr('network', network),
  group,
  what,
}));

/** Prefixes after which an IPv4 address stands, and how many bits stand behind it. */
const CARRIERS: readonly (readonly [network: string, bitsBehind: bigint])[] = [
  ['::/96', 0n],
  ['::ffff:0:0/96', 0n],
  ['::ffff:0:0:0/96', 0n],
  ['64:ff9b::/96', 0n],
  ['2002::/16', 80n],
];
const CARRIER_CIDRS = CARRIERS.map(([network, bitsBehind]) => ({
  cidr: parseCidr('network', network),
  bitsBehind,
}));
const TEREDO = parseCidr('network', '2001::/32');
const ISATAP = [0x0000_5efen, 0x0200_5efen];

/** Why the address must not be called; undefined when it may. */
export function refusalOfAddress(text: string, policy: AddressPolicy): string | undefined {
  const special = specialUseOf(text);
  if (special === undefined) return undefined;
  if (special.group === 'never') return `leads to ${special.what}, which is never called`;
  if (policy.allowPrivate) return undefined;
  return `leads to ${special.what}, which this server does not call`;
}

/** Undefined for a public address. Of several that it stands for, one that is never called wins. */
export function specialUseOf(text: string): SpecialAddress | undefined {
  const [address = ''] = text.split('%', 1);
  if (!isIpAddress(address)) return { group: 'never', what: 'no address' };
  const parsed = parseIpAddress('address', address);
  // Of `::` and `::1` the last bits are no IPv4 address.
  const isPlain = parsed.family === 4 || parsed.value <= 1n;
  const rules = (isPlain ? [parsed] : embeddedIn(parsed)).flatMap((one) => {
    const rule = RULES.find(({ cidr }) => containsAddress(cidr, one));
    return rule === undefined ? [] : [rule];
  });
  return rules.find(({ group }) => group === 'never') ?? rules[0];
}

/** The IPv4 addresses it stands for; itself when there are none. */
function embeddedIn(address: IpAddress): readonly IpAddress[] {
  const { value } = address;
  // The server of a Teredo address stands in the clear, the client with every bit turned over.
  if (containsAddress(TEREDO, address)) {
    return [ipv4Of(value >> 64n), ipv4Of(value ^ 0xffff_ffffn)];
  }
  const carrier = CARRIER_CIDRS.find(({ cidr }) => containsAddress(cidr, address));
  if (carrier !== undefined) return [ipv4Of(value >> carrier.bitsBehind)];
  const isIsatap = ISATAP.includes((value >> 32n) & 0xffff_ffffn);
  return isIsatap ? [address, ipv4Of(value)] : [address];
}

function ipv4Of(value: bigint): IpAddress {
  return { family: 4, value: value & 0xffff_ffffn };
}
