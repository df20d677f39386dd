/** One address range of a bridge: the bridge holds its first address, guests get the others. */
import { invalidArgument } from '#kernel/errors.ts';
import {
  addressAfter,
  containsAddress,
  firstAddressOf,
  formatCidr,
  formatIpAddress,
  lastAddressOf,
  parseCidr,
} from '#kernel/ip-address.ts';
import type { Cidr, IpAddress, IpFamily } from '#kernel/ip-address.ts';

export interface Subnet {
  readonly family: IpFamily;
  readonly range: Cidr;
  readonly cidr: string;
  readonly prefixLength: number;
  /** The bridge's own address, and the guests' gateway. */
  readonly gateway: string;
  readonly firstGuest: string;
  readonly lastGuest: string;
}

/** `field` names the setting the text came from. */
export function parseSubnet(field: string, text: string, family: IpFamily): Subnet {
  const range = parseCidr(field, text);
  if (range.family !== family) throw invalidArgument(field, `must be an IPv${family} network`);
  const longest = family === 4 ? 29 : 120;
  if (range.prefixLength > longest) {
    throw invalidArgument(field, `is too small; its prefix length must be at most ${longest}`);
  }
  const first = firstAddressOf(range);
  return {
    family,
    range,
    cidr: formatCidr(range),
    prefixLength: range.prefixLength,
    gateway: formatIpAddress(addressAfter(first)),
    firstGuest: formatIpAddress(addressAfter(first, 2n)),
    lastGuest: formatIpAddress(lastGuestOf(range)),
  };
}

/** IPv4's highest address is its broadcast address. */
function lastGuestOf(range: Cidr): IpAddress {
  const last = lastAddressOf(range);
  return range.family === 4 ? addressAfter(last, -1n) : last;
}

export function overlaps(one: Cidr, other: Cidr): boolean {
  return containsAddress(one, other) || containsAddress(other, one);
}
