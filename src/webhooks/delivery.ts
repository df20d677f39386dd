/**
 * What became of one event at one subscription.
 *
 *   (first attempt) ──2xx──────────────────► delivered ◄─┐
 *        │ fails                                 ▲       │ redelivered by hand
 *        ▼                                       │       │
 *     pending ──retries until 2xx────────────────┘       │
 *        └─────given up: too old, too often────► dead ───┤
 *                                                        │
 *                 delivered or dead, sent again, fails ► failed
 */
import type { WebhookId } from './webhook.ts';

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface Delivery {
  readonly webhookId: WebhookId;
  readonly eventId: number;
  readonly eventType: string;
  readonly eventAt: number;
  readonly state: DeliveryState;
  /** 0 for an event that was given up because it had become too old meanwhile. */
  readonly attempts: number;
  readonly lastStatus: number | undefined;
  readonly lastError: string | undefined;
  readonly lastLatencyMs: number | undefined;
  /** How the last answer began. */
  readonly answerStart: string | undefined;
  /** Lower-case hex, of the exact bytes that were sent. */
  readonly bodySha256: string;
  readonly bodyBytes: number;
  readonly firstAttemptAt: number;
  readonly lastAttemptAt: number;
  readonly nextAttemptAt: number | undefined;
}
