/** What the requests of this folder have in common. */
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { customerScopeOf } from '#access/principal.ts';
import { DroverError } from '#kernel/errors.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { sendError } from '#surfaces/edge/http-errors.ts';
import type { WebhookScope } from '#webhooks/webhook-service.ts';
import { VM_METRICS_FORMAT } from './vm-metrics-format.ts';

export interface WebhookParams {
  readonly Params: { readonly id: string };
}

export interface DeliveryParams {
  readonly Params: { readonly id: string; readonly delivery: string };
}

export function scopeOf(request: FastifyRequest): WebhookScope {
  return { format: VM_METRICS_FORMAT, customerId: customerScopeOf(principalOf(request)) };
}

/** The document knows no 415: whatever is wrong with a request body is a bad request. */
export const withBody: RouteShorthandOptions = {
  errorHandler(error, request: FastifyRequest, reply: FastifyReply) {
    const isOtherType = 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
    sendError(isOtherType ? notJson() : error, request, reply);
  },
};

function notJson(): DroverError {
  return new DroverError(
    'invalid_argument',
    "the request body must be JSON; send 'Content-Type: application/json'",
    { reason: 'UNSUPPORTED_MEDIA_TYPE', metadata: { field: 'content-type' } },
  );
}
