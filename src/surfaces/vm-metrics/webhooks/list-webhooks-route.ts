/** `GET /api/v1/webhooks`: an array, the oldest first. There are a few hundred at most. */
import type { FastifyInstance } from 'fastify';
import { scopeOf } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { webhookToWire } from './webhook-to-wire.ts';

export function registerListWebhooks(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  app.get('/api/v1/webhooks', async (request) => {
    const found = await service.list(scopeOf(request));
    return found.map(webhookToWire);
  });
}
