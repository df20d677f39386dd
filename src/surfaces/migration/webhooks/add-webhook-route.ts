/** `POST /webhooks`: adds one. It is told of what happens from now on. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { findWebhook, WEBHOOK_SCOPE } from './find-webhook.ts';
import { parseWebhook, WEBHOOK_FIELDS } from './parse-webhook.ts';
import { webhookToJson } from './webhook-to-json.ts';

export function registerAddWebhook(
  app: FastifyInstance,
  { webhooks: { service, sender }, clock }: MigrationParts,
): void {
  app.post('/webhooks', async ({ body }, reply) => {
    const added = await service.register(WEBHOOK_SCOPE, parseWebhook(body, sender));
    const { webhook, index } = await findWebhook(service, added.id);
    const warnings = nearMisses(body, WEBHOOK_FIELDS);
    void reply.code(201);
    return {
      message: 'webhook added successfully',
      webhook: webhookToJson(webhook, index),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
