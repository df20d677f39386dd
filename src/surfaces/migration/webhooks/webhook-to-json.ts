/** Webhooks and attempts as this API answers them. No secret is among it. */
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { AttemptResult } from '#webhooks/attempt.ts';
import type { Webhook } from '#webhooks/webhook.ts';
import { isConfigured } from './find-webhook.ts';

const LONGEST_ANSWER = 256;
const HIDDEN = '***';

/** The documented fields come first. */
export function webhookToJson(webhook: Webhook, index: number | undefined): object {
  const { maxAttempts, disabledReason } = webhook;
  return {
    url: webhook.url,
    events: webhook.eventTypes,
    enabled: webhook.isEnabled,
    timeout: webhook.timeoutMs / SECOND_MS,
    // Null: as often as fits into a day.
    retry_count: maxAttempts === undefined ? null : maxAttempts - 1,
    headers: Object.fromEntries(webhook.headerNames.map((name) => [name, HIDDEN])),
    id: webhook.id,
    source: isConfigured(webhook) ? 'config' : 'api',
    ...(index !== undefined && { index }),
    signed: webhook.sealedSecret !== undefined,
    created_at: toIsoTime(webhook.registeredAt),
    ...(disabledReason !== undefined && { disabled_reason: disabledReason }),
    delivery: {
      last_success: toTime(webhook.deliveredAt),
      failures: webhook.failures,
      failing_since: toTime(webhook.failingSince),
      next_attempt_at: toTime(webhook.nextAttemptAt),
      last_error: webhook.lastError ?? null,
    },
  };
}

export function attemptToJson({ outcome, verdict }: AttemptResult): object {
  const answer = outcome.kind === 'answered' ? outcome : undefined;
  const error = verdict.kind === 'delivered' ? undefined : verdict.error;
  return {
    message: error === undefined ? 'test webhook sent' : `test webhook was not taken: ${error}`,
    success: error === undefined,
    delivered: error === undefined,
    status: answer?.status ?? null,
    error: error ?? null,
    latency_ms: Math.round(outcome.latencyMs),
    answer: answer?.answerStart.slice(0, LONGEST_ANSWER) ?? null,
  };
}

function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : toIsoTime(ms);
}
