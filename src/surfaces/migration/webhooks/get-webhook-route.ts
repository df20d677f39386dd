/** `GET /webhooks/{index}`: one of them, by its index or its id. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { findWebhook, type WebhookParams } from './find-webhook.ts';
import { webhookToJson } from './webhook-to-json.ts';

export function registerGetWebhook(app: FastifyInstance, { webhooks }: MigrationParts): void {
  app.get<WebhookParams>('/webhooks/:index', async (request) => {
    const { webhook, index } = await findWebhook(webhooks.service, request.params.index);
    return webhookToJson(webhook, index);
  });
}
