/** One machine as GetVmInfo tells it, and as a row of ListVms. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetVmInfoResponseSchema, VmInfoSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { toIsoTime } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import type { Principal } from '#access/principal.ts';
import type { GuestStats } from '#machines/hypervisor.ts';
import { obeyedCommands } from '#machines/machine-command.ts';
import type { Machine } from '#machines/machine.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { metricsToWire } from './metrics.ts';
import { networkInfoToWire } from './network-info.ts';
import { stateToWire } from './vm-state.ts';

export function vmInfoToWire(
  parts: VmServiceParts,
  machine: Machine,
  seen: { readonly principal: Principal; readonly stats: GuestStats | undefined },
): MessageInitShape<typeof GetVmInfoResponseSchema> {
  const { stats, principal } = seen;
  return {
    vmId: machine.id,
    config: parts.configs.configOf(machine),
    state: stateToWire(machine.state),
    ...(stats === undefined ? {} : { metrics: metricsToWire(stats, machine, parts.clock.nowMs()) }),
    backendInfo: backendInfo(parts, machine, principal),
    networkInfo: networkInfoToWire(machine, parts.network),
    createdAt: toIsoTime(machine.createdAt),
    updatedAt: toIsoTime(machine.updatedAt),
    customerId: machine.customerId,
    stateMessage: machine.stateMessage,
    ...standing(machine),
  };
}

/** Where a process runs on the host is the operator's business, not the customer's. */
function backendInfo(
  { backendType }: VmServiceParts,
  { process }: Machine,
  principal: Principal,
): Record<string, string> {
  const isShown = principal.kind === 'operator' && process !== undefined;
  return {
    backend_type: backendType,
    process_id: isShown ? String(process.pid) : '',
    socket_path: isShown ? process.socketPath : '',
  };
}

export function vmRowToWire(
  { configs }: VmServiceParts,
  machine: Machine,
): MessageInitShape<typeof VmInfoSchema> {
  const { spec } = machine;
  return {
    vmId: machine.id,
    state: stateToWire(machine.state),
    vcpuCount: spec.cpu.vcpus,
    memorySizeBytes: BigInt(spec.memoryMib) * BigInt(MIB),
    createdTimestamp: BigInt(Math.floor(machine.createdAt / 1000)),
    modifiedTimestamp: BigInt(Math.floor(machine.updatedAt / 1000)),
    metadata: spec.metadata,
    customerId: machine.customerId,
    config: configs.configOf(machine),
    createdAt: toIsoTime(machine.createdAt),
    updatedAt: toIsoTime(machine.updatedAt),
    ...standing(machine),
  };
}

function standing(machine: Machine) {
  return {
    stateReason: machine.stateReason,
    stateChangedAt: toIsoTime(machine.stateChangedAt),
    allowedCommands: [...obeyedCommands(machine)],
  };
}
