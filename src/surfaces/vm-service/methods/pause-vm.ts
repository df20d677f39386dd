import type { HandlerContext } from '@connectrpc/connect';
import type { PauseVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { runVmCommand } from './run-vm-command.ts';

export function pauseVm(parts: VmServiceParts) {
  return async ({ vmId }: PauseVmRequest, context: HandlerContext) =>
    await runVmCommand(parts, context, { vmId, command: { kind: 'pause' } });
}
