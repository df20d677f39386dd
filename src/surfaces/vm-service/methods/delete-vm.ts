import type { HandlerContext } from '@connectrpc/connect';
import type { DeleteVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { runVmCommand } from './run-vm-command.ts';

export function deleteVm(parts: VmServiceParts) {
  return async ({ vmId, force }: DeleteVmRequest, context: HandlerContext) => {
    await runVmCommand(parts, context, { vmId, command: { kind: 'delete', force } });
    return { success: true };
  };
}
