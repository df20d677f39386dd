/** `POST /webhooks/{index}/test`: the same to one that is registered, with its own headers. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { findWebhook, type WebhookParams } from './find-webhook.ts';
import { parseTestedEvent } from './parse-webhook.ts';
import { attemptToJson } from './webhook-to-json.ts';

export function registerTestRegistered(
  app: FastifyInstance,
  { webhooks: { service }, clock }: MigrationParts,
): void {
  app.post<WebhookParams>('/webhooks/:index/test', async ({ params, body }, reply) => {
    const eventType = parseTestedEvent(body);
    const { webhook, scope } = await findWebhook(service, params.index);
    const test = { scope, id: webhook.id, eventType };
    const result = await service.test(test, callerSignal(reply));
    return { ...attemptToJson(result), id: webhook.id, timestamp: toIsoTime(clock.nowMs()) };
  });
}
