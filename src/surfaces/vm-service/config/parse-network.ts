/** Network interfaces, in either of the two shapes a caller may use. */
import {
  NetworkMode,
  type InterfaceAddress,
  type NetworkInterface,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import { canonicalAddress, netmaskToPrefix, parseIpAddress } from '#kernel/ip-address.ts';
import {
  createMac,
  MOST_NICS,
  parseDeviceId,
  parseMac,
  parseRateLimit,
  quote,
} from '#machines/machine-rules.ts';
import type { NicAddressRequest, NicModel, NicSpec, RateLimit } from '#machines/machine-spec.ts';
import { contradiction, eitherName, type Named } from './either-name.ts';
import { refuseOptions } from './parse-compute.ts';

/** Undefined: what machines have where nothing is said. */
const MODELS: ReadonlyMap<string, NicModel | undefined> = new Map([
  ['', undefined],
  ['tap', undefined],
  ['virtio-net', undefined],
  ['virtio', undefined],
  ['e1000e', 'e1000e'],
  ['e1000', 'e1000'],
]);
const MOST_DNS_SERVERS = 4;
const LONGEST_PREFIX = { 4: 32, 6: 128 } as const;

export interface ParsedNetwork {
  readonly nics: readonly NicSpec[];
  /** How the caller named each of them. */
  readonly fields: readonly string[];
}

export function parseNetwork(
  interfaces: readonly NetworkInterface[],
  machineId: MachineId,
): ParsedNetwork {
  if (interfaces.length > MOST_NICS) {
    throw invalidArgument('config.network', `must have at most ${MOST_NICS} interfaces`);
  }
  const ids = new Set<string>();
  const macs = new Set<string>();
  const fields = interfaces.map((_, index) => `config.network[${index}]`);
  const nics = interfaces.map((nic, index) => {
    const path = `config.network[${index}]`;
    const id = eitherName(path, ['id', nic.id], ['interface_id', nic.interfaceId]);
    parseDeviceId(id.field, id.value, ids);
    const mac = parseNicMac(path, nic, { machineId, nicId: id.value });
    if (macs.has(mac.mac)) {
      throw invalidArgument(mac.field, `${mac.mac} is used twice; each interface needs its own`);
    }
    macs.add(mac.mac);
    return { id: id.value, mac: mac.mac, isMacAuto: mac.isAuto, ...parseNic(path, nic) };
  });
  return { nics, fields };
}

function parseNic(path: string, nic: NetworkInterface): Omit<NicSpec, 'id' | 'mac' | 'isMacAuto'> {
  const type = eitherName(path, ['interface_type', nic.interfaceType], ['type', nic.type]);
  const model = MODELS.get(type.value.toLowerCase());
  if (!MODELS.has(type.value.toLowerCase())) {
    const known = 'TAP, virtio-net, e1000e or e1000';
    throw invalidArgument(type.field, `must be ${known}, got ${quote(type.value)}`);
  }
  if (nic.tapDevice !== '') {
    throw invalidArgument(`${path}.tap_device`, 'must be left out: the host names its devices');
  }
  refuseOptions(`${path}.options`, nic.options, []);
  refuseGuestSideSettings(path, nic);
  const mode = parseMode(`${path}.mode`, nic.mode);
  const ipv4 = parseIpv4(path, nic);
  const ipv6 = parseIpv6(path, nic);
  if (ipv4 !== undefined && mode === 'ipv6-only') {
    throw invalidArgument(`${path}.mode`, 'is IPv6 only, yet an IPv4 address is given');
  }
  if (ipv6 !== undefined && mode === 'ipv4-only') {
    throw invalidArgument(`${path}.mode`, 'is IPv4 only, yet an IPv6 address is given');
  }
  return {
    ...{ mode, ipv4, ipv6, dnsServers: parseDns(path, nic), ...parseLimits(path, nic) },
    ...(model !== undefined && { model }),
  };
}

function parseNicMac(
  path: string,
  nic: NetworkInterface,
  auto: { readonly machineId: MachineId; readonly nicId: string },
): { readonly field: string; readonly mac: string; readonly isAuto: boolean } {
  const { field, value } = eitherName(
    path,
    ['mac_address', nic.macAddress],
    ['guest_mac', nic.guestMac],
  );
  if (value === '' || value.toLowerCase() === 'auto') {
    return { field, mac: createMac(auto.machineId, auto.nicId), isAuto: true };
  }
  return { field, mac: parseMac(field, value), isAuto: false };
}

/** What the guest would have to do by itself, and this host has no means to offer. */
function refuseGuestSideSettings(path: string, nic: NetworkInterface): void {
  const { ipv4Config, ipv6Config } = nic;
  const refused: readonly (readonly [string, boolean])[] = [
    ['ipv4_config.dhcp', ipv4Config?.dhcp === true],
    ['ipv6_config.slaac', ipv6Config?.slaac === true],
    ['ipv6_config.privacy_extensions', ipv6Config?.privacyExtensions === true],
    ['ipv6_config.link_local', (ipv6Config?.linkLocal ?? '') !== ''],
  ];
  for (const [name, isGiven] of refused) {
    if (!isGiven) continue;
    throw invalidArgument(
      `${path}.${name}`,
      'must be left out: addresses are handed to the guest on its kernel command line',
    );
  }
}

function parseMode(field: string, mode: NetworkMode): NicSpec['mode'] {
  switch (mode) {
    case NetworkMode.IPV4_ONLY:
      return 'ipv4-only';
    case NetworkMode.IPV6_ONLY:
      return 'ipv6-only';
    case NetworkMode.UNSPECIFIED:
    case NetworkMode.DUAL_STACK:
      return 'dual-stack';
    // In binary, a number that no name stands for gets this far.
    default:
      throw invalidArgument(field, `is a number without meaning here: ${String(mode)}`);
  }
}

function parseDns(path: string, { ipv4Config, ipv6Config }: NetworkInterface): readonly string[] {
  return [
    ...parseServers(`${path}.ipv4_config.dns_servers`, ipv4Config?.dnsServers ?? []),
    ...parseServers(`${path}.ipv6_config.dns_servers`, ipv6Config?.dnsServers ?? []),
  ];
}

function parseServers(field: string, servers: readonly string[]): readonly string[] {
  if (servers.length > MOST_DNS_SERVERS) {
    throw invalidArgument(field, `must name at most ${MOST_DNS_SERVERS}, got ${servers.length}`);
  }
  return servers.map((server, index) => canonicalAddress(`${field}[${index}]`, server));
}

function parseIpv4(path: string, nic: NetworkInterface): NicAddressRequest | undefined {
  const original = nic.ipv4Config;
  const netmask = original?.netmask ?? '';
  const prefixLength = netmask === '' ? 0 : netmaskToPrefix(netmask);
  if (prefixLength === undefined) {
    throw invalidArgument(
      `${path}.ipv4_config.netmask`,
      `must be a netmask like 255.255.255.0, got ${quote(netmask)}`,
    );
  }
  return parseAddress(path, 4, {
    original: original === undefined ? undefined : { ...original, prefixLength },
    guest: nic.guestIpv4,
    host: nic.hostIpv4,
    names: ['ipv4_config', 'guest_ipv4', 'host_ipv4'],
  });
}

function parseIpv6(path: string, nic: NetworkInterface): NicAddressRequest | undefined {
  return parseAddress(path, 6, {
    original: nic.ipv6Config,
    guest: nic.guestIpv6,
    host: nic.hostIpv6,
    names: ['ipv6_config', 'guest_ipv6', 'host_ipv6'],
  });
}

interface AddressSources {
  readonly original:
    | { readonly address: string; readonly prefixLength: number; readonly gateway: string }
    | undefined;
  readonly guest: InterfaceAddress | undefined;
  readonly host: InterfaceAddress | undefined;
  readonly names: readonly [original: string, guest: string, host: string];
}

/**
 * The guest's gateway is the host's side of the link, so the address of a documented `host_ipv4`
 * says the same as the gateway of `ipv4_config`. The gateway of `host_ipv4` is where the host
 * itself sends on what it does not know; that is settled on the host and decides nothing here.
 */
function parseAddress(
  path: string,
  family: 4 | 6,
  { original, guest, host, names }: AddressSources,
): NicAddressRequest | undefined {
  if (original === undefined && guest === undefined && host === undefined) return undefined;
  const [originalName, guestName, hostName] = names;
  const either = <T extends string | number>(key: string, first: T, second: T | undefined) =>
    eitherName(path, [`${originalName}.${key}`, first], [`${guestName}.${key}`, second]);
  const inFamily = (field: string, text: string) => parseInFamily(field, text, family);
  const address = either('address', original?.address ?? '', guest?.address);
  const prefix = agreed([
    either('prefix_length', original?.prefixLength ?? 0, guest?.prefixLength),
    { field: `${path}.${hostName}.prefix_length`, value: host?.prefixLength ?? 0 },
  ]);
  const longest = LONGEST_PREFIX[family];
  if (prefix.value < 0 || prefix.value > longest) {
    throw invalidArgument(prefix.field, `must be from 1 to ${longest}, got ${prefix.value}`);
  }
  const gateway = agreed([
    { field: `${path}.${hostName}.address`, value: host?.address ?? '' },
    { field: `${path}.${guestName}.gateway`, value: guest?.gateway ?? '' },
    { field: `${path}.${originalName}.gateway`, value: original?.gateway ?? '' },
  ]);
  inFamily(`${path}.${hostName}.gateway`, host?.gateway ?? '');
  return {
    address: inFamily(address.field, address.value),
    prefixLength: prefix.value === 0 ? undefined : prefix.value,
    gateway: inFamily(gateway.field, gateway.value),
    fields: { address: address.field, prefixLength: prefix.field, gateway: gateway.field },
  };
}

/** Several fields that say the same thing: the first that says anything, unless they disagree. */
function agreed<T extends string | number>(named: readonly [Named<T>, ...Named<T>[]]): Named<T> {
  const given = named.filter(({ value }) => value !== '' && value !== 0);
  const [first = named[0]] = given;
  const other = given.find(({ value }) => value !== first.value);
  if (other !== undefined) throw contradiction(first.field, other.field);
  return first;
}

function parseInFamily(field: string, text: string, family: 4 | 6): string | undefined {
  if (text === '') return undefined;
  if (parseIpAddress(field, text).family === family) return canonicalAddress(field, text);
  throw invalidArgument(field, `must be an IPv${family} address, got ${quote(text)}`);
}

function parseLimits(
  path: string,
  nic: NetworkInterface,
): { readonly rxLimit: RateLimit | undefined; readonly txLimit: RateLimit | undefined } {
  const { rateLimit, rxRateLimit, txRateLimit } = nic;
  const both =
    rateLimit === undefined
      ? undefined
      : parseRateLimit(
          {
            bandwidth: `${path}.rate_limit.bandwidth_bytes_per_second`,
            burst: `${path}.rate_limit.burst_bytes`,
            refill: `${path}.rate_limit.refill_time_millis`,
          },
          {
            bytesPerSecond: Number(rateLimit.bandwidthBytesPerSecond),
            burstBytes: Number(rateLimit.burstBytes),
            refillMs: Number(rateLimit.refillTimeMillis),
          },
        );
  const oneWay = (name: string, given: typeof rxRateLimit): RateLimit | undefined => {
    if (given === undefined) return both;
    const limit = parseRateLimit(
      {
        bandwidth: `${path}.${name}.bandwidth`,
        burst: `${path}.${name}.burst`,
        refill: `${path}.${name}.refill_time`,
      },
      {
        bytesPerSecond: Number(given.bandwidth),
        burstBytes: Number(given.burst),
        refillMs: Number(given.refillTime),
      },
    );
    if (both !== undefined && !isSameLimit(both, limit)) {
      throw contradiction(`${path}.${name}`, `${path}.rate_limit`);
    }
    return limit;
  };
  return {
    rxLimit: oneWay('rx_rate_limit', rxRateLimit),
    txLimit: oneWay('tx_rate_limit', txRateLimit),
  };
}

function isSameLimit(a: RateLimit, b: RateLimit): boolean {
  return (
    a.bytesPerSecond === b.bytesPerSecond &&
    a.burstBytes === b.burstBytes &&
    a.refillMs === b.refillMs
  );
}
