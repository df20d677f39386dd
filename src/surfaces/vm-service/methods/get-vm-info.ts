import type { HandlerContext } from '@connectrpc/connect';
import type { GetVmInfoRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { vmInfoToWire } from '#surfaces/vm-service/render/vm-info.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseVmId } from './parse-vm-id.ts';

export function getVmInfo(parts: VmServiceParts) {
  return async (request: GetVmInfoRequest, context: HandlerContext) => {
    const principal = callerOf(context);
    const machine = await parts.machines.get(principal, parseVmId(request.vmId));
    const stats = await parts.machines.stats(machine, context.signal);
    return vmInfoToWire(parts, machine, { principal, stats });
  };
}
