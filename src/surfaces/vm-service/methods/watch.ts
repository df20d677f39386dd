import type { HandlerContext } from '@connectrpc/connect';
import type { WatchRequest } from '#gen/drover/v1/machines_pb.js';
import { toIsoTime } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { assertOperator, customerScopeOf } from '#access/principal.ts';
import { watchMachines } from '#machines/machine-watch.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { stateToWire } from '#surfaces/vm-service/render/vm-state.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseVmId } from './parse-vm-id.ts';

const MOST_VM_IDS = 100;

export function watch(parts: VmServiceParts) {
  return async function* (request: WatchRequest, context: HandlerContext) {
    const principal = callerOf(context);
    if (request.allCustomers) assertOperator(principal);
    if (request.vmIds.length > MOST_VM_IDS) {
      throw invalidArgument('vm_ids', `must name at most ${MOST_VM_IDS}; none means all`);
    }
    const query = {
      customerId: customerScopeOf(principal),
      machineIds: new Set(request.vmIds.map((id, i) => parseVmId(id, `vm_ids[${i}]`))),
      afterId: parseEventId(request.afterEventId),
    };
    for await (const { id, at, event } of watchMachines(parts, query, context.signal)) {
      yield {
        eventId: BigInt(id),
        at: toIsoTime(at),
        vmId: event.machineId,
        customerId: event.customerId,
        kind: event.kind,
        state: stateToWire(event.state),
        ...('from' in event ? { previousState: stateToWire(event.from) } : {}),
        reason: event.reason,
        message: event.message,
      };
    }
  };
}

function parseEventId(id: bigint | undefined): number | undefined {
  if (id === undefined) return undefined;
  if (id <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(id);
  throw invalidArgument('after_event_id', 'must be the event_id of an event that was answered');
}
