/** `DELETE /webhooks/{index}`: removes one, by its index or, which is safer, by its id. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { findWebhook, WEBHOOK_SCOPE, type WebhookParams } from './find-webhook.ts';

export function registerRemoveWebhook(
  app: FastifyInstance,
  { webhooks: { service }, clock }: MigrationParts,
): void {
  app.delete<WebhookParams>('/webhooks/:index', async (request) => {
    const { webhook } = await findWebhook(service, request.params.index);
    await service.remove(WEBHOOK_SCOPE, webhook.id);
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'webhook deleted successfully', id: webhook.id, timestamp };
  });
}
