/** Registering webhooks and seeing what became of their deliveries. */
import type { FastifyInstance } from 'fastify';
import { registerChangeWebhook } from './change-webhook-route.ts';
import { registerCreateWebhook } from './create-webhook-route.ts';
import { registerDeleteWebhook } from './delete-webhook-route.ts';
import { registerGetWebhook } from './get-webhook-route.ts';
import { registerListDeliveries } from './list-deliveries-route.ts';
import { registerListWebhooks } from './list-webhooks-route.ts';
import { registerRedeliver } from './redeliver-route.ts';
import { registerTestWebhook } from './test-webhook-route.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';

export function registerWebhookRoutes(app: FastifyInstance, parts: WebhookRoutesParts): void {
  registerCreateWebhook(app, parts);
  registerListWebhooks(app, parts);
  registerGetWebhook(app, parts);
  registerChangeWebhook(app, parts);
  registerDeleteWebhook(app, parts);
  registerListDeliveries(app, parts);
  registerRedeliver(app, parts);
  registerTestWebhook(app, parts);
}
