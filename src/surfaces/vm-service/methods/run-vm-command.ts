/** What the six commands have in common on the wire. */
import type { HandlerContext } from '@connectrpc/connect';
import type { MachineCommand } from '#machines/machine-command.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { stateToWire } from '#surfaces/vm-service/render/vm-state.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseVmId } from './parse-vm-id.ts';

export async function runVmCommand(
  { machines }: VmServiceParts,
  context: HandlerContext,
  { vmId, command }: { readonly vmId: string; readonly command: MachineCommand },
) {
  const principal = callerOf(context);
  const { signal } = context;
  const outcome = await machines.command(principal, parseVmId(vmId), { command, signal });
  return { success: true, state: stateToWire(outcome.state), outcome: outcome.detail };
}
