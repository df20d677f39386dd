import type { HandlerContext } from '@connectrpc/connect';
import type { ListVmsRequest } from '#gen/vmprovisioner/v1/vm_pb.js';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { listPage } from '#surfaces/vm-service/render/list-page.ts';
import { parseStateFilter } from '#surfaces/vm-service/render/vm-state.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';

export function listVms(parts: VmServiceParts) {
  return async (request: ListVmsRequest, context: HandlerContext) =>
    await listPage(parts, callerOf(context), {
      states: parseStateFilter(request.stateFilter),
      pageSize: request.pageSize,
      pageToken: request.pageToken,
    });
}
