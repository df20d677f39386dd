import type { HandlerContext } from '@connectrpc/connect';
import type { CreateVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import { createMachineId, isCustomerId, type CustomerId } from '#kernel/ids.ts';
import { assertMayChange } from '#access/principal.ts';
import { ownerOf } from '#machines/machine-owner.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { parseVmConfig } from '#surfaces/vm-service/config/parse-vm-config.ts';
import { stateToWire } from '#surfaces/vm-service/render/vm-state.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseVmId } from './parse-vm-id.ts';

export function createVm(parts: VmServiceParts) {
  return async (request: CreateVmRequest, context: HandlerContext) => {
    const principal = callerOf(context);
    assertMayChange(principal);
    const customerId = ownerOf(principal, parseCustomerId(request.customerId));
    // The id is settled before the configuration is read: automatic MACs derive from it.
    const id = request.vmId === '' ? createMachineId() : parseVmId(request.vmId);
    const { images, machineType, machines } = parts;
    const parsed = await parseVmConfig(request.config, {
      images,
      machineType,
      customerId,
      machineId: id,
    });
    const machine = await machines.create(principal, { id, customerId, ...parsed });
    return { vmId: machine.id, state: stateToWire(machine.state) };
  };
}

export function parseCustomerId(text: string): CustomerId | undefined {
  if (text === '') return undefined;
  if (isCustomerId(text)) return text;
  throw invalidArgument(
    'customer_id',
    "must be 1 to 128 letters, digits, '_', '.', '@', ':' or '-', and begin with a letter or digit",
  );
}
