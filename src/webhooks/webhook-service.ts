/** What owners do with their subscriptions. Those of others do not exist for them. */
import type { EventLog } from '#events/event-log.ts';
import type { RecordedEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import {
  attempt,
  createDelivery,
  withAttempt,
  type AttemptResult,
  type Message,
} from './attempt.ts';
import type { AttemptSlots } from './attempt-slots.ts';
import type { Delivery, DeliveryState } from './delivery.ts';
import type { WebhookDirectory } from './webhook-directory.ts';
import type { WebhookFilter } from './webhook-filter.ts';
import type { WebhookFormat } from './webhook-format.ts';
import { openSecrets, sealHeaders, sealSecret } from './webhook-secrets.ts';
import type { WebhookSender } from './webhook-sender.ts';
import type { WebhookChanges, WebhookLimits, WebhookStore } from './webhook-store.ts';
import {
  createWebhookId,
  DEFAULT_TIMEOUT_MS,
  isWebhookId,
  messageIdOf,
  messageIdToEventId,
  type Webhook,
} from './webhook.ts';

/** What one caller on one surface can see. */
export interface WebhookScope {
  /** The surface's format. */
  readonly format: string;
  /** Undefined sees everybody's. */
  readonly customerId: CustomerId | undefined;
}

export interface Registration {
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly filter: WebhookFilter;
  readonly secret: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly isEnabled: boolean;
}

/** Absent: stays as it is. */
export type RegistrationChanges = Partial<Registration>;

export interface ServiceParts {
  readonly store: WebhookStore;
  readonly events: EventLog;
  readonly directory: WebhookDirectory;
  readonly sender: WebhookSender;
  readonly slots: AttemptSlots;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly limits: WebhookLimits;
  /** Called after each change, and awaited: what was asked for is in force when it is answered. */
  readonly onChange: () => Promise<void>;
  /** Called before deliveries are read, so that they are as of now. */
  readonly onRead: () => Promise<void>;
}

export interface DeliveryPageQuery {
  readonly states: readonly DeliveryState[];
  readonly beforeEventId: number | undefined;
  readonly limit: number;
}

export class WebhookService {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async register(
    scope: WebhookScope,
    registration: Registration,
    id = createWebhookId(),
  ): Promise<Webhook> {
    const { store, events, clock, secretBox, limits, onChange } = this.#parts;
    const { secret, headers, timeoutMs, ...given } = registration;
    this.#formatOf(scope);
    const nowMs = clock.nowMs();
    const webhook: Webhook = {
      ...{ id, ...scope, ...given },
      timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...sealSecret(secretBox, id, secret),
      ...sealHeaders(secretBox, id, headers),
      ...{ registeredAt: nowMs, updatedAt: nowMs, resumedAt: nowMs, disabledReason: undefined },
      // It is told of what happens from now on.
      position: await events.lastId(),
      ...CLEAN_RECORD,
      deliveredAt: undefined,
    };
    await store.insert(webhook, limits);
    await onChange();
    return webhook;
  }

  async list({ format, customerId }: WebhookScope): Promise<readonly Webhook[]> {
    const webhooks = await this.#parts.store.list();
    return webhooks.filter(
      (webhook) =>
        webhook.format === format &&
        (customerId === undefined || webhook.customerId === customerId),
    );
  }

  async get(scope: WebhookScope, id: string): Promise<Webhook> {
    const webhook = isWebhookId(id) ? await this.#parts.store.find(id) : undefined;
    const { format, customerId } = scope;
    if (webhook === undefined || webhook.format !== format) throw notFound(id);
    if (customerId !== undefined && webhook.customerId !== customerId) throw notFound(id);
    return webhook;
  }

  async change(scope: WebhookScope, id: string, changes: RegistrationChanges): Promise<Webhook> {
    const { store, clock, secretBox, onChange } = this.#parts;
    const webhook = await this.get(scope, id);
    const { secret, headers, timeoutMs, ...given } = changes;
    const isReset = changes.url !== undefined || changes.isEnabled === true;
    const stored: WebhookChanges = {
      ...given,
      ...('timeoutMs' in changes && { timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS }),
      ...('secret' in changes && sealSecret(secretBox, webhook.id, secret)),
      ...(headers !== undefined && sealHeaders(secretBox, webhook.id, headers)),
      // Another receiver, or one that was seen to: it is tried at once and has its whole day.
      ...(isReset && { ...CLEAN_RECORD, resumedAt: clock.nowMs() }),
      ...(changes.isEnabled !== undefined && { disabledReason: undefined }),
    };
    const changed = await store.change(webhook.id, stored, clock.nowMs());
    if (changed === undefined) throw notFound(id);
    await onChange();
    return changed;
  }

  async remove(scope: WebhookScope, id: string): Promise<void> {
    const { store, onChange } = this.#parts;
    const webhook = await this.get(scope, id);
    if (!(await store.remove(webhook.id))) throw notFound(id);
    await onChange();
  }

  async listDeliveries(
    scope: WebhookScope,
    id: string,
    query: DeliveryPageQuery,
  ): Promise<readonly Delivery[]> {
    const webhook = await this.get(scope, id);
    await this.#parts.onRead();
    return await this.#parts.store.listDeliveries({ webhookId: webhook.id, ...query });
  }

  /** Sends an event of the log once more, now and out of turn, under the id it always had. */
  async redeliver({ scope, id, deliveryId }: Redelivery, signal: AbortSignal): Promise<Delivery> {
    const { store, onRead } = this.#parts;
    const webhook = await this.get(scope, id);
    await onRead();
    const eventId = messageIdToEventId(webhook.id, deliveryId);
    const known = eventId === undefined ? undefined : await store.findDelivery(webhook.id, eventId);
    if (known === undefined) {
      throw new DroverError('not_found', 'this webhook has no such delivery, or it is too old', {
        reason: 'DELIVERY_NOT_FOUND',
      });
    }
    if (known.state === 'pending') throw stillPending(webhook);
    const recorded = await this.#recordedEvent(webhook, known.eventId);
    const format = this.#formatOf(webhook);
    const rendered = recorded && format.render(recorded);
    if (rendered === undefined) throw eventGone();
    const message = { id: messageIdOf(webhook.id, known.eventId), rendered, format };
    const result = await this.#send(webhook, message, signal);
    const isDelivered = result.verdict.kind === 'delivered';
    // What is rendered may differ from back then, when Drover was updated in between.
    const { bodySha256, bodyBytes } = createDelivery({ ...known, rendered }, result.startedAt);
    const sent = withAttempt(known, result, isDelivered ? 'delivered' : 'failed');
    const delivery = { ...sent, bodySha256, bodyBytes };
    await store.recordDelivery(delivery);
    return delivery;
  }

  /** Sends an event that never happened. Nothing is written down, and nothing is tried again. */
  async test({ scope, id, eventType }: TestDelivery, signal: AbortSignal): Promise<AttemptResult> {
    const webhook = await this.get(scope, id);
    const format = this.#formatOf(webhook);
    const type = eventType ?? webhook.eventTypes[0] ?? '';
    if (!format.eventTypes.includes(type)) {
      throw invalidArgument('event_type', `must be one of ${format.eventTypes.join(', ')}`);
    }
    const atMs = this.#parts.clock.nowMs();
    const messageId = `${messageIdOf(webhook.id, 0)}_test_${atMs}`;
    const rendered = format.renderTest(type, atMs);
    return await this.#send(webhook, { id: messageId, rendered, format }, signal);
  }

  /** The same to a receiver that is not registered. What guards the others guards this one. */
  async probe(
    { format: name, eventType, url, timeoutMs = DEFAULT_TIMEOUT_MS, secret, headers }: Probe,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const { slots, clock } = this.#parts;
    const format = this.#formatOf({ format: name });
    const atMs = clock.nowMs();
    const id = `${messageIdOf(createWebhookId(), 0)}_test_${atMs}`;
    const message = { id, rendered: format.renderTest(eventType, atMs), format };
    const receiver = { webhook: { url, timeoutMs }, secrets: { secret, headers } };
    using _slot = await slots.acquire('slow', '', signal);
    return await attempt(this.#parts, receiver, message, signal);
  }

  async #send(webhook: Webhook, message: Message, signal: AbortSignal): Promise<AttemptResult> {
    const { slots, secretBox } = this.#parts;
    const secrets = openSecrets(secretBox, webhook);
    using _slot = await slots.acquire('slow', webhook.customerId ?? '', signal);
    return await attempt(this.#parts, { webhook, secrets }, message, signal);
  }

  async #recordedEvent(webhook: Webhook, eventId: number): Promise<RecordedEvent | undefined> {
    const { customerId } = webhook;
    const [found] = await this.#parts.events.read({ afterId: eventId - 1, customerId, limit: 1 });
    return found?.id === eventId ? found : undefined;
  }

  #formatOf(webhook: Pick<Webhook, 'format'>): WebhookFormat {
    const format = this.#parts.directory.formatOf(webhook);
    if (format !== undefined) return format;
    throw new DroverError('internal', 'this process does not serve webhooks of this kind');
  }
}

export interface Redelivery {
  readonly scope: WebhookScope;
  readonly id: string;
  readonly deliveryId: string;
}

export interface TestDelivery {
  readonly scope: WebhookScope;
  readonly id: string;
  /** Absent: the first that it subscribes to. */
  readonly eventType: string | undefined;
}

/** An event that never happened, for a receiver that need not be registered. */
export interface Probe extends Pick<Registration, 'url' | 'timeoutMs' | 'secret' | 'headers'> {
  readonly format: string;
  readonly eventType: string;
}

const CLEAN_RECORD = {
  failures: 0,
  failingSince: undefined,
  nextAttemptAt: undefined,
  lastError: undefined,
};

function notFound(id: string): DroverError {
  const shown = isWebhookId(id) ? ` ${id}` : '';
  return new DroverError('not_found', `there is no webhook${shown}, or it is not yours`, {
    reason: 'WEBHOOK_NOT_FOUND',
  });
}

function stillPending({ isEnabled }: Webhook): DroverError {
  const next = isEnabled ? 'is being tried by itself' : 'will be sent when the webhook is enabled';
  return new DroverError('failed_precondition', `this delivery is still pending: it ${next}`, {
    reason: 'DELIVERY_PENDING',
  });
}

function eventGone(): DroverError {
  return new DroverError('failed_precondition', 'the event is no longer kept; see the retention', {
    reason: 'EVENT_GONE',
  });
}
