import type { HandlerContext } from '@connectrpc/connect';
import type { GetQuotaRequest } from '#gen/drover/v1/machines_pb.js';
import { ownerOf } from '#machines/machine-owner.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { quotaToWire } from '#surfaces/vm-service/render/quota.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseCustomerId } from './create-vm.ts';

export function getQuota(parts: VmServiceParts) {
  return async (request: GetQuotaRequest, context: HandlerContext) => {
    const principal = callerOf(context);
    const customerId = ownerOf(principal, parseCustomerId(request.customerId));
    return quotaToWire(customerId, await parts.machines.quota(customerId));
  };
}
