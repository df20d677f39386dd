/** The interfaces of a machine: every one in the documented list, the first also in flat fields. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { VmNetworkInfoSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { HostNetwork } from '#machines/host-network.ts';
import type { AddressLease, Machine } from '#machines/machine.ts';

export function networkInfoToWire(
  machine: Machine,
  network: HostNetwork,
): MessageInitShape<typeof VmNetworkInfoSchema> {
  const interfaces = machine.spec.nics.map((nic) => {
    const tapDevice = network.tapName(machine.id, nic.id) ?? '';
    const leaseOf = (family: 4 | 6) =>
      machine.leases.find((lease) => lease.nicId === nic.id && lease.family === family);
    return {
      interfaceId: nic.id,
      tapDevice,
      guestMac: nic.mac,
      hostDeviceName: tapDevice,
      ...addressField('guestIpv4', leaseOf(4)),
      ...addressField('guestIpv6', leaseOf(6)),
    };
  });
  const first = interfaces[0];
  const address = first?.guestIpv4 ?? first?.guestIpv6;
  return {
    interfaces,
    ipAddress: address?.address ?? '',
    macAddress: first?.guestMac ?? '',
    tapDevice: first?.tapDevice ?? '',
    gateway: address?.gateway ?? '',
    dnsServers: [...(machine.spec.nics[0]?.dnsServers ?? [])],
  };
}

interface WireAddress {
  address: string;
  prefixLength: number;
  gateway: string;
}

function addressField<K extends 'guestIpv4' | 'guestIpv6'>(
  key: K,
  lease: AddressLease | undefined,
): { [P in K]?: WireAddress } {
  if (lease === undefined) return {};
  const { address, prefixLength, gateway } = lease;
  return { [key]: { address, prefixLength, gateway } } as { [P in K]: WireAddress };
}
