/**
 * Keeps subscriptions, their place in the event log, and the log of deliveries.
 *
 * Several processes may share it. A subscription is delivered by the one that holds its lease, and
 * `record` changes nothing for a process that no longer does.
 */
import type { EventKind } from '#events/event.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { Delivery, DeliveryState } from './delivery.ts';
import type { Webhook, WebhookId, WebhookProgress, WebhookSettings } from './webhook.ts';

export interface WebhookLimits {
  readonly perOwner: number;
  readonly inAll: number;
}

/** What the owner changes, and what follows from it. */
export interface WebhookChanges extends Partial<WebhookSettings> {
  readonly disabledReason?: string | undefined;
  readonly resumedAt?: number;
  readonly failures?: number;
  readonly failingSince?: number | undefined;
  readonly nextAttemptAt?: number | undefined;
  readonly lastError?: string | undefined;
}

export interface LeaseRequest {
  /** Names the process; the same again after a restart, so that it need not wait for itself. */
  readonly holder: string;
  readonly nowMs: number;
  readonly forMs: number;
  /** Subscriptions of others are left to a process that can write them. */
  readonly formats: readonly string[];
}

/** What one subscription's loop has to say since it last said something. */
export interface ProgressReport {
  readonly webhookId: WebhookId;
  /** Of the webhook as the loop knows it. A report on a former state brings its position only. */
  readonly updatedAt: number;
  readonly progress: WebhookProgress;
  /** Each replaces what is known about the same event. */
  readonly deliveries: readonly Delivery[];
  /** The receiver is gone for good, or nothing can be sent to it. */
  readonly disabledReason?: string | undefined;
}

export interface DeliveryQuery {
  readonly webhookId: WebhookId;
  readonly states: readonly DeliveryState[];
  /** Older events than this one only. */
  readonly beforeEventId?: number | undefined;
  readonly limit: number;
}

export interface DeliveryRetention {
  readonly olderThan: number;
  /** How many a subscription keeps, the newest. Pending ones stay in any case. */
  readonly most: number;
}

export interface WebhookStore {
  /** Throws `resource_exhausted` when there are as many as the limits allow. */
  insert(webhook: Webhook, limits: WebhookLimits): Promise<void>;
  /** All of them, the oldest first. */
  list(): Promise<readonly Webhook[]>;
  find(id: WebhookId): Promise<Webhook | undefined>;
  /** Undefined when it is gone. */
  change(id: WebhookId, changes: WebhookChanges, atMs: number): Promise<Webhook | undefined>;
  /** With its deliveries. Whether it was there. */
  remove(id: WebhookId): Promise<boolean>;
  /** Differs after every insert, change, remove and disabling, in whatever process. */
  version(): Promise<number>;

  /** Takes what is free or run out, keeps what it has, and says what it holds now. */
  lease(request: LeaseRequest): Promise<ReadonlySet<WebhookId>>;
  /** Frees what it holds. */
  release(holder: string): Promise<void>;
  /** All in one transaction. Answers the subscriptions that are no longer the holder's. */
  record(
    holder: string,
    reports: readonly ProgressReport[],
    atMs: number,
  ): Promise<ReadonlySet<WebhookId>>;

  /** For an attempt out of turn; nothing happens when the subscription is gone. */
  recordDelivery(delivery: Delivery): Promise<void>;
  findDelivery(webhookId: WebhookId, eventId: number): Promise<Delivery | undefined>;
  /** The newest event first. */
  listDeliveries(query: DeliveryQuery): Promise<readonly Delivery[]>;
  /** Those still to be tried again, the oldest event first. */
  listPending(webhookId: WebhookId): Promise<readonly Delivery[]>;
  trimDeliveries(webhookId: WebhookId, retention: DeliveryRetention): Promise<number>;

  /** How many events of these kinds wait behind a position, counting no further than `most`. */
  countWaiting(query: WaitingQuery): Promise<number>;
}

export interface WaitingQuery {
  readonly afterId: number;
  readonly kinds: readonly EventKind[];
  readonly customerId: CustomerId | undefined;
  readonly most: number;
}
