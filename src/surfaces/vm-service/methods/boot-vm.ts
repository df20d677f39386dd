import type { HandlerContext } from '@connectrpc/connect';
import type { BootVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { runVmCommand } from './run-vm-command.ts';

export function bootVm(parts: VmServiceParts) {
  return async ({ vmId }: BootVmRequest, context: HandlerContext) =>
    await runVmCommand(parts, context, { vmId, command: { kind: 'boot' } });
}
