/** Which addresses a machine's NICs are to have on a bridge; refuses what the bridge lacks. */
import { invalidArgument } from '#kernel/errors.ts';
import {
  containsAddress,
  firstAddressOf,
  formatIpAddress,
  isSameAddress,
  lastAddressOf,
  parseIpAddress,
} from '#kernel/ip-address.ts';
import type { IpAddress, IpFamily } from '#kernel/ip-address.ts';
import type { LeaseRequest } from '#machines/host-network.ts';
import type { NicAddressRequest, NicSpec } from '#machines/machine-spec.ts';
import type { Subnet } from './subnet.ts';

export interface AddressSpace {
  readonly hostId: string;
  readonly bridge: string;
  readonly ipv4: Subnet;
  /** Undefined: guests of this host get no IPv6 address. */
  readonly ipv6: Subnet | undefined;
}

export function planNicLeases(nic: NicSpec, field: string, space: AddressSpace): LeaseRequest[] {
  refuseStrangers(nic, field, space);
  const leases: LeaseRequest[] = [];
  if (nic.mode !== 'ipv6-only') leases.push(planLease(nic, field, { space, subnet: space.ipv4 }));
  if (nic.mode !== 'ipv4-only' && space.ipv6 !== undefined) {
    leases.push(planLease(nic, field, { space, subnet: space.ipv6 }));
  }
  return leases;
}

/** Addresses of a family that the NIC's mode or this host leaves out. */
function refuseStrangers(nic: NicSpec, field: string, { ipv6 }: AddressSpace): void {
  if (nic.mode === 'ipv6-only') {
    refuseAsked(nic.ipv4, addressFields(nic, field, 4), 'the mode is IPv6 only; leave it out');
    if (ipv6 === undefined) {
      throw invalidArgument(`${field} mode`, 'this host has no IPv6 network; use IPv4 only');
    }
  }
  if (nic.mode === 'ipv4-only') {
    refuseAsked(nic.ipv6, addressFields(nic, field, 6), 'the mode is IPv4 only; leave it out');
  }
  if (ipv6 === undefined) {
    const why = 'this host has no IPv6 network; leave it out';
    refuseAsked(nic.ipv6, addressFields(nic, field, 6), why);
  }
}

export interface AddressFields {
  readonly address: string;
  readonly prefixLength: string;
  readonly gateway: string;
}

/** As the caller named them, or else in words: `config.network[0] IPv4 address`. */
export function addressFields(nic: NicSpec, field: string, family: IpFamily): AddressFields {
  const asked = family === 4 ? nic.ipv4 : nic.ipv6;
  const inWords = (what: string) => `${field} IPv${family} ${what}`;
  return (
    asked?.fields ?? {
      address: inWords('address'),
      prefixLength: inWords('prefix length'),
      gateway: inWords('gateway'),
    }
  );
}

export function refuseAsked(
  asked: NicAddressRequest | undefined,
  fields: AddressFields,
  why: string,
): void {
  if (isGiven(asked?.address)) throw invalidArgument(fields.address, why);
  if (isGiven(asked?.gateway)) throw invalidArgument(fields.gateway, why);
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

interface Place {
  readonly space: AddressSpace;
  readonly subnet: Subnet;
}

function planLease(nic: NicSpec, nicField: string, { space, subnet }: Place): LeaseRequest {
  const { family } = subnet;
  const asked = family === 4 ? nic.ipv4 : nic.ipv6;
  const fields = addressFields(nic, nicField, family);
  if (asked !== undefined) refuseOtherNetwork(asked, fields, subnet);
  return {
    nicId: nic.id,
    family,
    network: `${space.hostId}/${space.bridge}/${family}`,
    address: isGiven(asked?.address)
      ? acceptAddress(asked.address, fields.address, subnet)
      : undefined,
    firstAddress: subnet.firstGuest,
    lastAddress: subnet.lastGuest,
    excluded: [subnet.gateway],
    prefixLength: subnet.prefixLength,
    gateway: subnet.gateway,
    field: fields.address,
  };
}

function acceptAddress(asked: string, field: string, subnet: Subnet): string {
  const address = parseIn(field, asked, subnet.family);
  const text = formatIpAddress(address);
  const range = `${subnet.firstGuest} to ${subnet.lastGuest}`;
  if (!containsAddress(subnet.range, address)) {
    throw invalidArgument(
      field,
      `${text} lies outside this host's ${subnet.cidr}; use one of ${range}, or leave it out`,
    );
  }
  const use = specialUseOf(address, subnet);
  if (use !== undefined) throw invalidArgument(field, `${text} is ${use}; use one of ${range}`);
  return text;
}

function refuseOtherNetwork(asked: NicAddressRequest, fields: AddressFields, subnet: Subnet): void {
  const length = asked.prefixLength;
  if (length !== undefined && length !== 0 && length !== subnet.prefixLength) {
    const right = `must be ${subnet.prefixLength}, that of this host's ${subnet.cidr}`;
    throw invalidArgument(fields.prefixLength, `${right}, or left out`);
  }
  if (!isGiven(asked.gateway)) return;
  const gateway = parseIn(fields.gateway, asked.gateway, subnet.family);
  if (formatIpAddress(gateway) === subnet.gateway) return;
  throw invalidArgument(fields.gateway, `must be ${subnet.gateway}, or left out`);
}

function parseIn(field: string, text: string, family: IpFamily): IpAddress {
  const address = parseIpAddress(field, text);
  if (address.family === family) return address;
  throw invalidArgument(field, `must be an IPv${family} address`);
}

function specialUseOf(address: IpAddress, subnet: Subnet): string | undefined {
  if (formatIpAddress(address) === subnet.gateway) return "the gateway's";
  if (isSameAddress(address, firstAddressOf(subnet.range))) return "the network's own";
  if (subnet.family === 4 && isSameAddress(address, lastAddressOf(subnet.range))) {
    return 'the broadcast address';
  }
  return undefined;
}
