/**
 * Delivers to one subscriber, one event at a time and in order.
 *
 *   read a page ──► of no interest ──────────────────────► move on
 *        ▲    └───► wait for its time ─► attempt ─ 2xx ──► move on
 *        │                  ▲               ├─ 410 ──────► disable, stay
 *        │                  └─ not yet a day┤
 *        │                                  └─ a day ────► give up, move on
 *        └── woken by news
 *
 * The position never runs ahead of what was dealt with, and what is written down may lag behind
 * it: after a crash an event can come twice, and none can be missed.
 */
import type { EventLog } from '#events/event-log.ts';
import type { EventKind, RecordedEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { HOUR_MS, SECOND_MS } from '#kernel/units.ts';
import {
  attempt,
  createDelivery,
  withAttempt,
  type AttemptParts,
  type AttemptResult,
} from './attempt.ts';
import type { AttemptSlots } from './attempt-slots.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryJournal } from './delivery-journal.ts';
import { isGivenUp, retryDelayMs } from './delivery-policy.ts';
import { isWantedEvent } from './webhook-filter.ts';
import type { RenderedEvent, WebhookFormat } from './webhook-format.ts';
import type { WebhookSecrets } from './webhook-secrets.ts';
import { messageIdOf, type Webhook, type WebhookProgress } from './webhook.ts';

const PAGE = 32;
/** A receiver that takes longer has its attempts among the slow ones. */
const PROMPT_MS = SECOND_MS;
const AFTER_TROUBLE_MS = SECOND_MS;

export interface LoopParts extends AttemptParts {
  readonly events: EventLog;
  readonly journal: DeliveryJournal;
  readonly slots: AttemptSlots;
  readonly clock: Clock;
  readonly log: Log;
  readonly chance: () => number;
  readonly onAttempt: (result: AttemptResult) => void;
  readonly onDead: () => void;
}

export interface LoopSubject {
  readonly webhook: Webhook;
  readonly format: WebhookFormat;
  readonly secrets: WebhookSecrets;
  /** What is known of the event at the head of the queue from attempts before this loop. */
  readonly pending: readonly Delivery[];
}

interface PendingEvent {
  readonly recorded: RecordedEvent;
  readonly rendered: RenderedEvent;
}

export class WebhookLoop {
  readonly webhook: Webhook;
  readonly #parts: LoopParts;
  readonly #subject: LoopSubject;
  readonly #kinds: readonly EventKind[];
  readonly #stop = new AbortController();
  /** Cuts an attempt short; the loop itself ends at the next step. */
  readonly #cutOff = new AbortController();
  readonly #pending: Map<number, Delivery>;
  #progress: WebhookProgress;
  #oldestWaitingAt: number | undefined;
  #lastId: number | undefined;
  #attempts = 0;
  #lastLatencyMs = 0;
  /** Without it a receiver that came back while Drover was down would lose what is a day old. */
  #hasFailedHere = false;
  #news = Promise.withResolvers<void>();
  #ended: Promise<void> | undefined;

  constructor(parts: LoopParts, subject: LoopSubject) {
    const { webhook, format } = subject;
    this.webhook = webhook;
    this.#parts = parts;
    this.#subject = subject;
    this.#kinds = [...new Set(webhook.eventTypes.flatMap((type) => format.kindsOf(type)))];
    this.#pending = new Map(subject.pending.map((each) => [each.eventId, each]));
    this.#progress = webhook;
  }

  get progress(): WebhookProgress {
    return this.#progress;
  }

  /** When the event at the head of the queue happened; undefined while nothing waits. */
  get oldestWaitingAt(): number | undefined {
    return this.#oldestWaitingAt;
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  /** There are events up to this id, all of them to be seen by now. */
  wake(lastId: number): void {
    this.#lastId = lastId;
    this.#news.resolve();
  }

  /** Lets an attempt under way go on until `cutOff` aborts, then resolves. */
  async stop(cutOff: AbortSignal): Promise<void> {
    const onCutOff = () => this.#cutOff.abort(cutOff.reason);
    if (cutOff.aborted) onCutOff();
    cutOff.addEventListener('abort', onCutOff, { once: true });
    this.#stop.abort();
    this.#news.resolve();
    await this.#ended;
    cutOff.removeEventListener('abort', onCutOff);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#dealWithPage();
      } catch (thrown) {
        if (this.#stop.signal.aborted) return;
        const error = toDroverError(thrown);
        log.warn({ error, webhook: this.webhook.id }, 'the delivery of events is held up');
        await this.#until(clock.sleep(AFTER_TROUBLE_MS, this.#stop.signal));
      }
    }
  }

  async #dealWithPage(): Promise<void> {
    const { events, clock } = this.#parts;
    const { customerId } = this.webhook;
    const attemptsBefore = this.#attempts;
    const news = this.#news.promise;
    // Ids are in the order of commits: what is not on a page that ends before this was not there.
    const lastId = (this.#lastId ??= await events.lastId());
    const { position: afterId } = this.#progress;
    const page =
      lastId > afterId
        ? await events.read({ afterId, customerId, kinds: this.#kinds, limit: PAGE })
        : [];
    for (const recorded of page) {
      this.#oldestWaitingAt = recorded.at;
      if (!(await this.#dealWith(recorded))) return;
    }
    if (page.length === PAGE) {
      // SQLite answers at once: a walk past what is of no interest must leave others their turn.
      if (this.#attempts === attemptsBefore) await this.#until(clock.sleep(1, this.#stop.signal));
      return;
    }
    this.#oldestWaitingAt = undefined;
    if (lastId > this.#progress.position) await this.#moveTo(lastId);
    await news;
    this.#news = Promise.withResolvers<void>();
  }

  /** Whether to go on with the next event. */
  async #dealWith(recorded: RecordedEvent): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    await this.#buryVanished(recorded.id);
    const rendered = this.#renderWanted(recorded);
    if (rendered === undefined) {
      await this.#moveTo(recorded.id);
      return true;
    }
    for (;;) {
      const isDone = await this.#tryOnce({ recorded, rendered });
      if (this.#stop.signal.aborted) return false;
      if (isDone) return true;
    }
  }

  #renderWanted(recorded: RecordedEvent): RenderedEvent | undefined {
    const { eventTypes } = this.webhook;
    if (!isWantedEvent(this.webhook, recorded.event)) return undefined;
    const rendered = this.#subject.format.render(recorded);
    return rendered && eventTypes.includes(rendered.eventType) ? rendered : undefined;
  }

  /** Whether the event has been dealt with. */
  async #tryOnce(event: PendingEvent): Promise<boolean> {
    const { clock, slots, onAttempt } = this.#parts;
    const { recorded, rendered } = event;
    const known = this.#pending.get(recorded.id);
    if (this.#hasFailedHere && this.#isTooLate(recorded.at)) {
      await this.#giveUp(event, known ?? this.#createDelivery(event));
      return true;
    }
    const waitMs = (this.#progress.nextAttemptAt ?? 0) - clock.nowMs();
    if (waitMs > 0) {
      // A wall clock that was set back must not make this wait for as long.
      const sleepMs = Math.min(waitMs, 2 * HOUR_MS);
      if (!(await this.#until(clock.sleep(sleepMs, this.#stop.signal)))) return false;
    }
    const isPrompt = this.#progress.failures === 0 && this.#lastLatencyMs < PROMPT_MS;
    const owner = this.webhook.customerId ?? '';
    const lane = isPrompt ? 'prompt' : 'slow';
    using _slot = await slots.acquire(lane, owner, this.#stop.signal);
    const { format } = this.#subject;
    const message = { id: messageIdOf(this.webhook.id, recorded.id), rendered, format };
    const result = await attempt(this.#parts, this.#subject, message, this.#cutOff.signal);
    this.#attempts += 1;
    this.#lastLatencyMs = result.outcome.latencyMs;
    onAttempt(result);
    return await this.#conclude(event, known ?? this.#createDelivery(event), result);
  }

  async #conclude(event: PendingEvent, before: Delivery, result: AttemptResult): Promise<boolean> {
    const { verdict } = result;
    if (verdict.kind === 'delivered') {
      await this.#moveOn(withAttempt(before, result, 'delivered'), {
        failures: 0,
        failingSince: undefined,
        nextAttemptAt: undefined,
        deliveredAt: this.#parts.clock.nowMs(),
      });
      return true;
    }
    const { clock, chance } = this.#parts;
    this.#hasFailedHere = true;
    const failures = this.#progress.failures + 1;
    const retryAfterMs = verdict.kind === 'failed' ? verdict.retryAfterMs : undefined;
    const nextAttemptAt =
      clock.nowMs() + retryDelayMs({ failures, retryAfterMs, chance: chance() });
    this.#progress = {
      ...this.#progress,
      ...{ failures, nextAttemptAt },
      failingSince: this.#progress.failingSince ?? clock.nowMs(),
      lastError: verdict.error.slice(0, 512),
    };
    const failed = withAttempt(before, result, 'pending');
    const pending = { ...failed, nextAttemptAt };
    this.#pending.set(pending.eventId, pending);
    if (verdict.kind === 'gone') {
      await this.#report([failed], verdict.error);
      this.#stop.abort();
      return false;
    }
    const { maxAttempts = Infinity } = this.webhook;
    if (pending.attempts >= maxAttempts || this.#isTooLate(event.recorded.at)) {
      await this.#giveUp(event, pending);
      return true;
    }
    await this.#report([pending]);
    return false;
  }

  #isTooLate(eventAt: number): boolean {
    const { failingSince } = this.#progress;
    const { resumedAt } = this.webhook;
    return isGivenUp({ eventAt, resumedAt, failingSince }, this.#parts.clock.nowMs());
  }

  async #giveUp({ recorded }: PendingEvent, delivery: Delivery): Promise<void> {
    this.#parts.onDead();
    const lastError = delivery.lastError ?? 'the receiver had been failing for a day';
    await this.#moveOn({ ...delivery, state: 'dead', lastError, nextAttemptAt: undefined });
    this.#parts.log.warn(
      { webhook: this.webhook.id, event: recorded.id, attempts: delivery.attempts },
      'an event was given up: its receiver did not take it',
    );
  }

  /** An event that was to be tried again and is not in the log any more stays no mystery. */
  async #buryVanished(eventId: number): Promise<void> {
    for (const delivery of this.#pending.values()) {
      if (delivery.eventId >= eventId) continue;
      this.#pending.delete(delivery.eventId);
      const lastError = `the event is no longer kept; last: ${delivery.lastError ?? 'not tried'}`;
      await this.#report([{ ...delivery, state: 'dead', lastError, nextAttemptAt: undefined }]);
    }
  }

  #createDelivery({ recorded, rendered }: PendingEvent): Delivery {
    const { id: webhookId } = this.webhook;
    const { id: eventId, at: eventAt } = recorded;
    const nowMs = this.#parts.clock.nowMs();
    return createDelivery({ webhookId, eventId, eventAt, rendered }, nowMs);
  }

  async #moveOn(delivery: Delivery, progress: Partial<WebhookProgress> = {}): Promise<void> {
    this.#pending.delete(delivery.eventId);
    this.#progress = { ...this.#progress, ...progress, position: delivery.eventId };
    await this.#report([delivery]);
  }

  async #moveTo(position: number): Promise<void> {
    this.#progress = { ...this.#progress, position };
    await this.#report([]);
  }

  async #report(deliveries: readonly Delivery[], disabledReason?: string): Promise<void> {
    const { id: webhookId, updatedAt } = this.webhook;
    const progress = this.#progress;
    await this.#parts.journal.add({ webhookId, updatedAt, progress, deliveries, disabledReason });
  }

  /** False when the loop was stopped meanwhile. */
  async #until(waiting: Promise<void>): Promise<boolean> {
    // The only way for it to reject is the stop, which is asked for right after.
    await waiting.catch(() => undefined);
    return !this.#stop.signal.aborted;
  }
}
