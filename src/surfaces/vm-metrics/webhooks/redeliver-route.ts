/** `POST /api/v1/webhooks/{id}/deliveries/{delivery}/redeliver`: sends it once more, now. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { scopeOf, withBody, type DeliveryParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { deliveryToWire } from './webhook-to-wire.ts';

export function registerRedeliver(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  const path = '/api/v1/webhooks/:id/deliveries/:delivery/redeliver';
  app.post<DeliveryParams>(path, withBody, async (request, reply) => {
    assertMayChange(principalOf(request));
    const { id, delivery: deliveryId } = request.params;
    const redelivery = { scope: scopeOf(request), id, deliveryId };
    return deliveryToWire(await service.redeliver(redelivery, callerSignal(reply)));
  });
}
