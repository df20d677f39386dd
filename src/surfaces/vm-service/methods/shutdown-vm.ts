import type { HandlerContext } from '@connectrpc/connect';
import type { ShutdownVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DEFAULT_TIMEOUT_SECONDS, parseTimeoutMs } from '#machines/machine-rules.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { runVmCommand } from './run-vm-command.ts';

export function shutdownVm(parts: VmServiceParts) {
  return async (request: ShutdownVmRequest, context: HandlerContext) => {
    const { vmId, force } = request;
    const seconds = request.timeoutSeconds;
    const timeoutMs = parseTimeoutMs('timeout_seconds', seconds, DEFAULT_TIMEOUT_SECONDS);
    const command = { kind: 'shutdown', force, timeoutMs } as const;
    return await runVmCommand(parts, context, { vmId, command });
  };
}
