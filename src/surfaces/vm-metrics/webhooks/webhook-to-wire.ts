/** Webhooks and deliveries as this API answers them. No secret is among it. */
import type { Delivery } from '#webhooks/delivery.ts';
import { messageIdOf, type Webhook } from '#webhooks/webhook.ts';

/** The documented answer to a registration. */
export function registeredToWire(webhook: Webhook): object {
  const { id, url, eventTypes, registeredAt } = webhook;
  const registered = { event_types: eventTypes, registered_at: toUnixSeconds(registeredAt) };
  return { id, status: 'registered', url, ...registered };
}

/** The documented fields come first. */
export function webhookToWire(webhook: Webhook): object {
  const { filter, disabledReason, maxAttempts, customerId } = webhook;
  return {
    id: webhook.id,
    url: webhook.url,
    event_types: webhook.eventTypes,
    registered_at: toUnixSeconds(webhook.registeredAt),
    enabled: webhook.isEnabled,
    ...(disabledReason !== undefined && { disabled_reason: disabledReason }),
    ...(customerId !== undefined && { customer_id: customerId }),
    signed: webhook.sealedSecret !== undefined,
    header_names: webhook.headerNames,
    timeout_ms: webhook.timeoutMs,
    max_attempts: maxAttempts ?? null,
    filter: {
      ...(filter.instanceIds !== undefined && { instance_id: filter.instanceIds }),
      ...(filter.severities !== undefined && { severity: filter.severities }),
      ...(filter.rules !== undefined && { rule: filter.rules }),
    },
    delivery: {
      last_success: toOptionalSeconds(webhook.deliveredAt),
      failures: webhook.failures,
      failing_since: toOptionalSeconds(webhook.failingSince),
      next_attempt_at: toOptionalSeconds(webhook.nextAttemptAt),
      last_error: webhook.lastError ?? null,
    },
  };
}

/** The id is what the receiver finds in the header `webhook-id`. */
export function deliveryToWire(delivery: Delivery): object {
  return {
    id: messageIdOf(delivery.webhookId, delivery.eventId),
    event_type: delivery.eventType,
    event_at: toUnixSeconds(delivery.eventAt),
    state: delivery.state,
    attempts: delivery.attempts,
    last_status: delivery.lastStatus ?? null,
    last_error: delivery.lastError ?? null,
    latency_ms: delivery.lastLatencyMs ?? null,
    answer: delivery.answerStart ?? null,
    request: { method: 'POST', bytes: delivery.bodyBytes, sha256: delivery.bodySha256 },
    first_attempt_at: toUnixSeconds(delivery.firstAttemptAt),
    last_attempt_at: toUnixSeconds(delivery.lastAttemptAt),
    next_attempt_at: toOptionalSeconds(delivery.nextAttemptAt),
  };
}

function toOptionalSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : toUnixSeconds(ms);
}

function toUnixSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
