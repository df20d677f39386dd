/** A subscription: somebody's URL, and what is to be told to it. */
import type { CustomerId } from '#kernel/ids.ts';
import { randomHex } from '#kernel/random.ts';
import type { WebhookFilter } from './webhook-filter.ts';

declare const brand: unique symbol;
export type WebhookId = string & { readonly [brand]: 'webhook' };

/** What its owner chose. Secrets are held sealed; see webhook-secrets.ts. */
export interface WebhookSettings {
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly filter: WebhookFilter;
  /** For one attempt, from the look-up of the name to the end of the answer. */
  readonly timeoutMs: number;
  /** Undefined: as many as fit into the time an event is tried for. */
  readonly maxAttempts: number | undefined;
  readonly isEnabled: boolean;
  readonly sealedSecret: string | undefined;
  readonly sealedHeaders: string | undefined;
  /** The names of its own headers, which are no secret. */
  readonly headerNames: readonly string[];
}

/** How delivery stands. Only the process that holds the lease changes it. */
export interface WebhookProgress {
  /** Events up to this id are dealt with: delivered, given up, or of no interest. */
  readonly position: number;
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  /** When the first of them failed; undefined while there are none. */
  readonly failingSince: number | undefined;
  readonly nextAttemptAt: number | undefined;
  readonly lastError: string | undefined;
  readonly deliveredAt: number | undefined;
}

export interface Webhook extends WebhookSettings, WebhookProgress {
  readonly id: WebhookId;
  /** The name of the format its events are written in. */
  readonly format: string;
  /** Undefined: an operator's, which is told of every customer's events. */
  readonly customerId: CustomerId | undefined;
  readonly registeredAt: number;
  /** When its owner, or a 410, last changed it. */
  readonly updatedAt: number;
  /** When it was last enabled: the time an event is tried for does not begin before. */
  readonly resumedAt: number;
  /** Why it is not enabled, when it was not its owner who said so. */
  readonly disabledReason: string | undefined;
}

export const DEFAULT_TIMEOUT_MS = 5000;

const WEBHOOK_ID = /^webhook_([0-9a-f]{8,32})$/;
const MESSAGE_ID = /^msg_([0-9a-f]{8,32})_(\d{1,15})$/;

export function createWebhookId(): WebhookId {
  return `webhook_${randomHex(8)}` as WebhookId;
}

export function isWebhookId(text: string): text is WebhookId {
  return WEBHOOK_ID.test(text);
}

/** The same for every attempt, so that a receiver can tell a repetition from news. */
export function messageIdOf(id: WebhookId, eventId: number): string {
  return `msg_${id.slice('webhook_'.length)}_${eventId}`;
}

/** The event that a message of this webhook is about; undefined for any other text. */
export function messageIdToEventId(id: WebhookId, messageId: string): number | undefined {
  const [, digits, eventId] = MESSAGE_ID.exec(messageId) ?? [];
  return digits === id.slice('webhook_'.length) ? Number(eventId) : undefined;
}
