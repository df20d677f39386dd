/** `POST /api/v1/webhooks` */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { parseRegistration } from './parse-registration.ts';
import { scopeOf, withBody } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { registeredToWire } from './webhook-to-wire.ts';

export function registerCreateWebhook(
  app: FastifyInstance,
  { webhooks: { service, sender } }: WebhookRoutesParts,
): void {
  app.post('/api/v1/webhooks', withBody, async (request, reply) => {
    assertMayChange(principalOf(request));
    const registration = parseRegistration(request.body, sender);
    const webhook = await service.register(scopeOf(request), registration);
    void reply.code(201).header('location', `/api/v1/webhooks/${webhook.id}`);
    return registeredToWire(webhook);
  });
}
