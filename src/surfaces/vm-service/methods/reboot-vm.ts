import type { HandlerContext } from '@connectrpc/connect';
import type { RebootVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DEFAULT_TIMEOUT_SECONDS } from '#machines/machine-rules.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { runVmCommand } from './run-vm-command.ts';

export function rebootVm(parts: VmServiceParts) {
  return async ({ vmId, force }: RebootVmRequest, context: HandlerContext) => {
    const timeoutMs = DEFAULT_TIMEOUT_SECONDS * 1000;
    const command = { kind: 'reboot', force, timeoutMs } as const;
    return await runVmCommand(parts, context, { vmId, command });
  };
}
