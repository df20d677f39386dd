/** `POST /api/v1/webhooks/{id}/test`: sends a signed event that never happened, and waits. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { parseTestRequest } from './parse-registration.ts';
import { scopeOf, withBody, type WebhookParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';

export function registerTestWebhook(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  app.post<WebhookParams>('/api/v1/webhooks/:id/test', withBody, async (request, reply) => {
    assertMayChange(principalOf(request));
    const eventType = parseTestRequest(request.body);
    const { id } = request.params;
    const test = { scope: scopeOf(request), id, eventType };
    const { outcome, verdict } = await service.test(test, callerSignal(reply));
    const answer = outcome.kind === 'answered' ? outcome : undefined;
    return {
      delivered: verdict.kind === 'delivered',
      status: answer?.status ?? null,
      error: verdict.kind === 'delivered' ? null : verdict.error,
      latency_ms: Math.round(outcome.latencyMs),
      answer: answer?.answerStart.slice(0, 256) ?? null,
    };
  });
}
