/** One event on its way to one subscriber: signed, sent, and judged. */
import { createHash } from 'node:crypto';
import type { Clock } from '#kernel/clock.ts';
import type { Delivery } from './delivery.ts';
import { judgeOutcome, type Verdict } from './delivery-policy.ts';
import { standardHeaders } from './signatures.ts';
import type { Webhook } from './webhook.ts';
import type { RenderedEvent, WebhookFormat } from './webhook-format.ts';
import type { WebhookSecrets } from './webhook-secrets.ts';
import type { SendOutcome, WebhookSender } from './webhook-sender.ts';

const MOST_ANSWER_CHARS = 256;
const MOST_ERROR_CHARS = 512;

export interface AttemptParts {
  readonly sender: WebhookSender;
  readonly clock: Clock;
}

export interface Message {
  /** Stays the same however often it is sent. */
  readonly id: string;
  readonly rendered: RenderedEvent;
  readonly format: WebhookFormat;
}

export interface Receiver {
  readonly webhook: Pick<Webhook, 'url' | 'timeoutMs'>;
  readonly secrets: WebhookSecrets;
}

export interface AttemptResult {
  readonly outcome: SendOutcome;
  readonly verdict: Verdict;
  readonly startedAt: number;
}

/** Throws only when the signal aborts. */
export async function attempt(
  { sender, clock }: AttemptParts,
  receiver: Receiver,
  message: Message,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const startedAt = clock.nowMs();
  const { url, timeoutMs } = receiver.webhook;
  const headers = requestHeaders(receiver.secrets, message, startedAt);
  const { body } = message.rendered;
  const outcome = await sender.send({ url, headers, body, timeoutMs }, signal);
  return { outcome, verdict: judgeOutcome(outcome, clock.nowMs()), startedAt };
}

/** The owner's own come first, so that none of them can stand in for one of ours. */
function requestHeaders(
  { secret, headers }: WebhookSecrets,
  { id, rendered, format }: Message,
  atMs: number,
): Readonly<Record<string, string>> {
  return {
    ...headers,
    ...format.headers(rendered, secret),
    ...standardHeaders(secret, { id, atMs, body: rendered.body }),
  };
}

export interface EventOnRecord {
  readonly webhookId: Webhook['id'];
  readonly eventId: number;
  readonly eventAt: number;
  readonly rendered: RenderedEvent;
}

/** A row for the log before anything was sent. */
export function createDelivery(event: EventOnRecord, nowMs: number): Delivery {
  const { webhookId, eventId, eventAt, rendered } = event;
  return {
    ...{ webhookId, eventId, eventAt },
    eventType: rendered.eventType,
    state: 'pending',
    attempts: 0,
    lastStatus: undefined,
    lastError: undefined,
    lastLatencyMs: undefined,
    answerStart: undefined,
    bodySha256: createHash('sha256').update(rendered.body).digest('hex'),
    bodyBytes: rendered.body.length,
    firstAttemptAt: nowMs,
    lastAttemptAt: nowMs,
    nextAttemptAt: undefined,
  };
}

/** The row after one more attempt. */
export function withAttempt(
  delivery: Delivery,
  { outcome, verdict, startedAt }: AttemptResult,
  state: Delivery['state'],
): Delivery {
  const answer = outcome.kind === 'answered' ? outcome : undefined;
  return {
    ...delivery,
    state,
    attempts: delivery.attempts + 1,
    lastStatus: answer?.status,
    lastError: verdict.kind === 'delivered' ? undefined : toText(verdict.error, MOST_ERROR_CHARS),
    lastLatencyMs: Math.round(outcome.latencyMs),
    answerStart: answer && toText(answer.answerStart, MOST_ANSWER_CHARS),
    firstAttemptAt: delivery.attempts === 0 ? startedAt : delivery.firstAttemptAt,
    lastAttemptAt: startedAt,
    nextAttemptAt: undefined,
  };
}

/** A stranger wrote it: nothing that a database or a terminal would stumble over stays in it. */
function toText(text: string, mostChars: number): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .slice(0, mostChars)
    .toWellFormed();
}
