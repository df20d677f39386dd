import type { HandlerContext } from '@connectrpc/connect';
import type { SetQuotaRequest } from '#gen/drover/v1/machines_pb.js';
import { assertOperator } from '#access/principal.ts';
import { ownerOf } from '#machines/machine-owner.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { parseQuotaLimits, quotaToWire } from '#surfaces/vm-service/render/quota.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseCustomerId } from './create-vm.ts';

export function setQuota(parts: VmServiceParts) {
  return async (request: SetQuotaRequest, context: HandlerContext) => {
    const principal = callerOf(context);
    assertOperator(principal);
    const customerId = ownerOf(principal, parseCustomerId(request.customerId));
    await parts.machines.setQuota(customerId, parseQuotaLimits(request.limits));
    return quotaToWire(customerId, await parts.machines.quota(customerId));
  };
}
