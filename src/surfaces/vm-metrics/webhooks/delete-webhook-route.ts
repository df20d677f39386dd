/** `DELETE /api/v1/webhooks/{id}` */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { scopeOf, type WebhookParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';

export function registerDeleteWebhook(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  app.delete<WebhookParams>('/api/v1/webhooks/:id', async (request, reply) => {
    assertMayChange(principalOf(request));
    await service.remove(scopeOf(request), request.params.id);
    void reply.code(204);
  });
}
