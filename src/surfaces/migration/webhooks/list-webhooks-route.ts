/** `GET /webhooks`: those of this API, the oldest first. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { listWebhooks } from './find-webhook.ts';
import { webhookToJson } from './webhook-to-json.ts';

export function registerListWebhooks(
  app: FastifyInstance,
  { webhooks, clock }: MigrationParts,
): void {
  app.get('/webhooks', async () => {
    const placed = await listWebhooks(webhooks.service);
    return {
      webhooks: placed.map(({ webhook, index }) => webhookToJson(webhook, index)),
      total: placed.length,
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
