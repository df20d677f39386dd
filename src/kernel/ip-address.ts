/**
 * IPv4 and IPv6 addresses as numbers, so that they can be compared, counted through and matched
 * against a network. Text goes in through a parser and comes out in one canonical form: dotted
 * decimal for IPv4, RFC 5952 for IPv6.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { invalidArgument } from './errors.ts';

export type IpFamily = 4 | 6;

export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** A network: its host bits are zero. */
export interface Cidr {
  readonly family: IpFamily;
  readonly value: bigint;
  readonly prefixLength: number;
}

/** What an address is set aside for; such an address can belong to no machine. */
export type ReservedUse = 'unspecified' | 'loopback' | 'multicast' | 'broadcast' | 'future-use';

const BITS: Record<IpFamily, number> = { 4: 32, 6: 128 };

/** Zone suffixes (`fe80::1%eth0`) mean nothing outside their host and are not accepted. */
export function isIpAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'));
}

export function parseIpAddress(field: string, text: string): IpAddress {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: ipv6Value(text) };
  throw invalidArgument(field, 'must be an IPv4 or IPv6 address such as 10.0.0.5 or fd00::5');
}

/** `10.0.0.0/24`; bits of the host part are refused, for they are most often a slip. */
export function parseCidr(field: string, text: string): Cidr {
  const [addressText = '', prefixText, ...rest] = text.split('/');
  if (prefixText === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefixText)) {
    throw invalidArgument(field, 'must be a network such as 10.0.0.0/24 or fd00::/64');
  }
  const address = parseIpAddress(field, addressText);
  const prefixLength = Number(prefixText);
  if (prefixLength > BITS[address.family]) {
    throw invalidArgument(field, `the prefix length must be at most ${BITS[address.family]}`);
  }
  const network = networkOf(address, prefixLength);
  if (network.value !== address.value) {
    throw invalidArgument(field, `has bits set beyond its prefix; use ${formatCidr(network)}`);
  }
  return network;
}

/** The network of this size that the address lies in. */
export function networkOf(address: IpAddress, prefixLength: number): Cidr {
  const hostBits = BigInt(BITS[address.family] - prefixLength);
  return { family: address.family, value: (address.value >> hostBits) << hostBits, prefixLength };
}

export function containsAddress(cidr: Cidr, address: IpAddress): boolean {
  return (
    cidr.family === address.family && networkOf(address, cidr.prefixLength).value === cidr.value
  );
}

/** The lowest address of a network, which for IPv4 names the network itself. */
export function firstAddressOf(cidr: Cidr): IpAddress {
  return { family: cidr.family, value: cidr.value };
}

/** The highest address of a network, which for IPv4 is its broadcast address. */
export function lastAddressOf(cidr: Cidr): IpAddress {
  const hostBits = BigInt(BITS[cidr.family] - cidr.prefixLength);
  return { family: cidr.family, value: cidr.value | ((1n << hostBits) - 1n) };
}

/** May leave the family's range; check the result against a last address. */
export function addressAfter(address: IpAddress, steps = 1n): IpAddress {
  return { family: address.family, value: address.value + steps };
}

export function isSameAddress(one: IpAddress, other: IpAddress): boolean {
  return one.family === other.family && one.value === other.value;
}

export function formatIpAddress(address: IpAddress): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.value);
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIpAddress(cidr)}/${cidr.prefixLength}`;
}

/** However it was written, the one way we write it. */
export function canonicalAddress(field: string, text: string): string {
  return formatIpAddress(parseIpAddress(field, text));
}

/** Text of a fixed width whose order is the order of the addresses, IPv4 before IPv6. */
export function addressToSortKey(address: IpAddress): string {
  const digits = BITS[address.family] / 4;
  return `${address.family}:${address.value.toString(16).padStart(digits, '0')}`;
}

export function prefixToNetmask(prefixLength: number): string {
  return formatIpv4(((1n << BigInt(prefixLength)) - 1n) << BigInt(32 - prefixLength));
}

/** Undefined when the text is no mask: ones first, then zeros only. */
export function netmaskToPrefix(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  const hostPart = 0xffff_ffffn ^ ipv4Value(text);
  if ((hostPart & (hostPart + 1n)) !== 0n) return undefined;
  return 32 - (hostPart === 0n ? 0 : hostPart.toString(2).length);
}

const RESERVED: readonly (readonly [string, ReservedUse])[] = [
  ['255.255.255.255/32', 'broadcast'],
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'future-use'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['ff00::/8', 'multicast'],
];

const RESERVED_NETWORKS = RESERVED.map(([text, use]) => ({
  cidr: parseCidr('reserved', text),
  use,
}));

export function reservedUseOf(address: IpAddress): ReservedUse | undefined {
  return RESERVED_NETWORKS.find(({ cidr }) => containsAddress(cidr, address))?.use;
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  const [before = '', after] = text.split('::');
  const head = ipv6Groups(before);
  const tail = after === undefined ? [] : ipv6Groups(after);
  const zeros = Array<bigint>(8 - head.length - tail.length).fill(0n);
  return [...head, ...zeros, ...tail].reduce((value, group) => (value << 16n) | group, 0n);
}

/** The last two groups may be written as an IPv4 address. */
function ipv6Groups(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const value = ipv4Value(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

function formatIpv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffff_ffffn)}`;
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - at * 16)) & 0xffffn);
  const text = groups.map((group) => group.toString(16));
  const { start, length } = longestZeroRun(groups);
  if (length < 2) return text.join(':');
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`;
}

/** The first of the longest runs, as RFC 5952 asks. */
function longestZeroRun(groups: readonly bigint[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [at, group] of groups.entries()) {
    length = group === 0n ? length + 1 : 0;
    if (length > best.length) best = { start: at - length + 1, length };
  }
  return best;
}
