/** Webhooks and deliveries as rows, and back. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { CustomerId } from '#kernel/ids.ts';
import type { Delivery, DeliveryState } from '#webhooks/delivery.ts';
import type { WebhookFilter } from '#webhooks/webhook-filter.ts';
import type { WebhookChanges } from '#webhooks/webhook-store.ts';
import type { Webhook, WebhookId, WebhookProgress } from '#webhooks/webhook.ts';
import type { WebhookDeliveryTable, WebhookTable } from './schema.ts';

export function webhookToRow(webhook: Webhook): Insertable<WebhookTable> {
  return {
    id: webhook.id,
    format: webhook.format,
    customer_id: webhook.customerId ?? null,
    url: webhook.url,
    event_types: JSON.stringify(webhook.eventTypes),
    filter: JSON.stringify(webhook.filter),
    timeout_ms: webhook.timeoutMs,
    max_attempts: webhook.maxAttempts ?? null,
    is_enabled: webhook.isEnabled ? 1 : 0,
    disabled_reason: webhook.disabledReason ?? null,
    sealed_secret: webhook.sealedSecret ?? null,
    sealed_headers: webhook.sealedHeaders ?? null,
    header_names: JSON.stringify(webhook.headerNames),
    registered_at: webhook.registeredAt,
    updated_at: webhook.updatedAt,
    resumed_at: webhook.resumedAt,
    ...progressToRow(webhook),
    leased_by: null,
    leased_until: 0,
  };
}

export function progressToRow(progress: WebhookProgress) {
  return {
    position: progress.position,
    failures: progress.failures,
    failing_since: progress.failingSince ?? null,
    next_attempt_at: progress.nextAttemptAt ?? null,
    last_error: progress.lastError ?? null,
    delivered_at: progress.deliveredAt ?? null,
  };
}

/** Only the columns of what is there; a part that is there as undefined is emptied. */
export function changesToRow(changes: WebhookChanges): Updateable<WebhookTable> {
  const { url, eventTypes, filter, timeoutMs, isEnabled, resumedAt, failures } = changes;
  return {
    ...(url !== undefined && { url }),
    ...(eventTypes !== undefined && { event_types: JSON.stringify(eventTypes) }),
    ...(filter !== undefined && { filter: JSON.stringify(filter) }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...('maxAttempts' in changes && { max_attempts: changes.maxAttempts ?? null }),
    ...(isEnabled !== undefined && { is_enabled: isEnabled ? 1 : 0 }),
    ...('disabledReason' in changes && { disabled_reason: changes.disabledReason ?? null }),
    ...('sealedSecret' in changes && { sealed_secret: changes.sealedSecret ?? null }),
    ...('sealedHeaders' in changes && { sealed_headers: changes.sealedHeaders ?? null }),
    ...(changes.headerNames !== undefined && {
      header_names: JSON.stringify(changes.headerNames),
    }),
    ...(resumedAt !== undefined && { resumed_at: resumedAt }),
    ...(failures !== undefined && { failures }),
    ...('failingSince' in changes && { failing_since: changes.failingSince ?? null }),
    ...('nextAttemptAt' in changes && { next_attempt_at: changes.nextAttemptAt ?? null }),
    ...('lastError' in changes && { last_error: changes.lastError ?? null }),
  };
}

export function rowToWebhook(row: Selectable<WebhookTable>): Webhook {
  return {
    id: row.id as WebhookId,
    format: row.format,
    customerId: (row.customer_id ?? undefined) as CustomerId | undefined,
    url: row.url,
    eventTypes: JSON.parse(row.event_types) as string[],
    filter: JSON.parse(row.filter) as WebhookFilter,
    timeoutMs: row.timeout_ms,
    maxAttempts: row.max_attempts ?? undefined,
    isEnabled: row.is_enabled === 1,
    disabledReason: row.disabled_reason ?? undefined,
    sealedSecret: row.sealed_secret ?? undefined,
    sealedHeaders: row.sealed_headers ?? undefined,
    headerNames: JSON.parse(row.header_names) as string[],
    registeredAt: row.registered_at,
    updatedAt: row.updated_at,
    resumedAt: row.resumed_at,
    position: row.position,
    failures: row.failures,
    failingSince: row.failing_since ?? undefined,
    nextAttemptAt: row.next_attempt_at ?? undefined,
    lastError: row.last_error ?? undefined,
    deliveredAt: row.delivered_at ?? undefined,
  };
}

export function deliveryToRow(delivery: Delivery): Insertable<WebhookDeliveryTable> {
  return {
    webhook_id: delivery.webhookId,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    event_at: delivery.eventAt,
    state: delivery.state,
    attempts: delivery.attempts,
    last_status: delivery.lastStatus ?? null,
    last_error: delivery.lastError ?? null,
    last_latency_ms: delivery.lastLatencyMs ?? null,
    answer_start: delivery.answerStart ?? null,
    body_sha256: delivery.bodySha256,
    body_bytes: delivery.bodyBytes,
    first_attempt_at: delivery.firstAttemptAt,
    last_attempt_at: delivery.lastAttemptAt,
    next_attempt_at: delivery.nextAttemptAt ?? null,
  };
}

export function rowToDelivery(row: Selectable<WebhookDeliveryTable>): Delivery {
  return {
    webhookId: row.webhook_id as WebhookId,
    eventId: row.event_id,
    eventType: row.event_type,
    eventAt: row.event_at,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    lastStatus: row.last_status ?? undefined,
    lastError: row.last_error ?? undefined,
    lastLatencyMs: row.last_latency_ms ?? undefined,
    answerStart: row.answer_start ?? undefined,
    bodySha256: row.body_sha256,
    bodyBytes: row.body_bytes,
    firstAttemptAt: row.first_attempt_at,
    lastAttemptAt: row.last_attempt_at,
    nextAttemptAt: row.next_attempt_at ?? undefined,
  };
}
