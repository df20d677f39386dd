/** `POST /webhooks/test`: sends an event that never happened to a URL, and says how that went. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseProbe } from './parse-webhook.ts';
import { attemptToJson } from './webhook-to-json.ts';

export function registerTestWebhook(
  app: FastifyInstance,
  { webhooks: { service, sender }, clock }: MigrationParts,
): void {
  app.post('/webhooks/test', async ({ body }, reply) => {
    const result = await service.probe(parseProbe(body, sender), callerSignal(reply));
    return { ...attemptToJson(result), timestamp: toIsoTime(clock.nowMs()) };
  });
}
