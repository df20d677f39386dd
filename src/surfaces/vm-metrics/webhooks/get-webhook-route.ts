/** `GET /api/v1/webhooks/{id}` */
import type { FastifyInstance } from 'fastify';
import { scopeOf, type WebhookParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { webhookToWire } from './webhook-to-wire.ts';

export function registerGetWebhook(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  app.get<WebhookParams>('/api/v1/webhooks/:id', async (request) =>
    webhookToWire(await service.get(scopeOf(request), request.params.id)),
  );
}
