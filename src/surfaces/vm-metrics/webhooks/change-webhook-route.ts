/** `PATCH /api/v1/webhooks/{id}`: only what is given is changed. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { parseRegistrationChanges } from './parse-registration.ts';
import { scopeOf, withBody, type WebhookParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { webhookToWire } from './webhook-to-wire.ts';

export function registerChangeWebhook(
  app: FastifyInstance,
  { webhooks: { service, sender } }: WebhookRoutesParts,
): void {
  app.patch<WebhookParams>('/api/v1/webhooks/:id', withBody, async (request) => {
    assertMayChange(principalOf(request));
    const changes = parseRegistrationChanges(request.body, sender);
    return webhookToWire(await service.change(scopeOf(request), request.params.id, changes));
  });
}
