/**
 * Gives every field that has two names both of them, so that an answer reads right to clients of
 * either kind. Contradictions have been refused before this runs.
 */
import { clone, create } from '@bufbuild/protobuf';
import {
  ConsoleConfigSchema,
  InterfaceAddressSchema,
  IPv4ConfigSchema,
  IPv6ConfigSchema,
  NetworkRateLimitSchema,
  RateLimitSchema,
  VmConfigSchema,
  type NetworkInterface,
  type StorageDevice,
  type VmConfig,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { netmaskToPrefix, prefixToNetmask } from '#kernel/ip-address.ts';

export function fillBothNames(given: VmConfig): VmConfig {
  const config = clone(VmConfigSchema, given);
  for (const device of config.storage) fillStorage(device);
  for (const nic of config.network) fillNetwork(nic);
  config.console ??= create(ConsoleConfigSchema);
  const { console } = config;
  console.enabled = true;
  console.consoleType ||= console.type ?? '';
  console.type = console.consoleType;
  console.output ||= console.outputFile ?? '';
  console.outputFile = console.output;
  return config;
}

function fillStorage(device: StorageDevice): void {
  device.id ||= device.deviceId ?? '';
  device.deviceId = device.id;
  device.path ||= device.pathOnHost ?? '';
  device.pathOnHost = device.path;
  device.readOnly ||= device.isReadOnly ?? false;
  device.isReadOnly = device.readOnly;
}

function fillNetwork(nic: NetworkInterface): void {
  nic.id ||= nic.interfaceId ?? '';
  nic.interfaceId = nic.id;
  nic.macAddress ||= nic.guestMac ?? '';
  nic.guestMac = nic.macAddress === '' ? 'auto' : nic.macAddress;
  nic.macAddress = nic.guestMac;
  nic.interfaceType ||= nic.type ?? '';
  nic.type = nic.interfaceType === '' ? 'TAP' : nic.interfaceType;
  nic.interfaceType = nic.type;
  fillLimits(nic);
  fillIpv4(nic);
  fillIpv6(nic);
}

function fillLimits(nic: NetworkInterface): void {
  const { rateLimit, rxRateLimit: rx, txRateLimit: tx } = nic;
  if (rateLimit !== undefined) {
    const limit = {
      bandwidth: rateLimit.bandwidthBytesPerSecond,
      burst: rateLimit.burstBytes,
      refillTime: rateLimit.refillTimeMillis,
    };
    nic.rxRateLimit ??= create(RateLimitSchema, limit);
    nic.txRateLimit ??= create(RateLimitSchema, limit);
    return;
  }
  // One limit for both ways can be said only where both ways have the same.
  const isSame =
    rx !== undefined &&
    tx !== undefined &&
    rx.bandwidth === tx.bandwidth &&
    rx.burst === tx.burst &&
    rx.refillTime === tx.refillTime;
  if (!isSame) return;
  nic.rateLimit = create(NetworkRateLimitSchema, {
    bandwidthBytesPerSecond: rx.bandwidth,
    burstBytes: rx.burst,
    refillTimeMillis: rx.refillTime,
  });
}

function fillIpv4(nic: NetworkInterface): void {
  const { guestIpv4: guest, hostIpv4: host, ipv4Config: original } = nic;
  if (guest === undefined && host === undefined && original === undefined) return;
  const netmask = original?.netmask ?? '';
  const prefixLength = guest?.prefixLength || netmaskToPrefix(netmask) || (host?.prefixLength ?? 0);
  const address = original?.address || (guest?.address ?? '');
  const gateway = original?.gateway || guest?.gateway || (host?.address ?? '');
  nic.ipv4Config = Object.assign(original ?? create(IPv4ConfigSchema), {
    address,
    netmask: prefixLength === 0 ? '' : prefixToNetmask(prefixLength),
    gateway,
  });
  nic.guestIpv4 = create(InterfaceAddressSchema, { address, prefixLength, gateway });
}

function fillIpv6(nic: NetworkInterface): void {
  const { guestIpv6: guest, hostIpv6: host, ipv6Config: original } = nic;
  if (guest === undefined && host === undefined && original === undefined) return;
  const prefixLength = original?.prefixLength || guest?.prefixLength || (host?.prefixLength ?? 0);
  const address = original?.address || (guest?.address ?? '');
  const gateway = original?.gateway || guest?.gateway || (host?.address ?? '');
  nic.ipv6Config = Object.assign(original ?? create(IPv6ConfigSchema), {
    address,
    prefixLength,
    gateway,
  });
  nic.guestIpv6 = create(InterfaceAddressSchema, { address, prefixLength, gateway });
}
