/** `DELETE /webhooks/{index}`: removes one, by its index or, which is safer, by its id. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import type { Webhook } from '#webhooks/webhook.ts';
import { findWebhook, isConfigured, WEBHOOK_SCOPE, type WebhookParams } from './find-webhook.ts';

export function registerRemoveWebhook(
  app: FastifyInstance,
  { webhooks: { service }, clock }: MigrationParts,
): void {
  app.delete<WebhookParams>('/webhooks/:index', async (request) => {
    const { webhook } = await findWebhook(service, request.params.index);
    if (isConfigured(webhook)) throw configured(webhook);
    await service.remove(WEBHOOK_SCOPE, webhook.id);
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'webhook deleted successfully', id: webhook.id, timestamp };
  });
}

function configured({ id, url }: Webhook): DroverError {
  const problem = `webhook ${id} is set in the configuration of the server`;
  const remedy = `take ${url} out of migration.webhooks there, and start the server again`;
  return new DroverError('failed_precondition', `${problem}: ${remedy}`, {
    reason: 'WEBHOOK_CONFIGURED',
  });
}
