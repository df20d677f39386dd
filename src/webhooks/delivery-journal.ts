/**
 * Writes down what the loops have done, many reports in one transaction. What is sent and not yet
 * written is sent again after a crash, so the journal is never more than a moment behind, and a
 * database that is slow or away makes the loops wait, not memory grow.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Delivery } from './delivery.ts';
import type { WebhookId, WebhookProgress } from './webhook.ts';
import type { ProgressReport, WebhookStore } from './webhook-store.ts';

const FLUSH_MS = 100;
const MOST_DELIVERIES = 256;
const RETRY_MS = SECOND_MS;

export interface DeliveryJournalOptions {
  readonly store: WebhookStore;
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** These belong to another process now; nothing about them was written. */
  readonly onLost: (ids: ReadonlySet<WebhookId>) => void;
  readonly onDisabled: () => void;
  readonly onWritten: (reports: readonly ProgressReport[]) => Promise<void>;
}

interface Entry {
  updatedAt: number;
  progress: WebhookProgress;
  disabledReason: string | undefined;
  readonly deliveries: Map<number, Delivery>;
}

export class DeliveryJournal implements AsyncDisposable {
  readonly #options: DeliveryJournalOptions;
  readonly #writes = new SerialQueue();
  #entries = new Map<WebhookId, Entry>();
  #timer: Timer | undefined;
  #isClosing = false;

  constructor(options: DeliveryJournalOptions) {
    this.#options = options;
  }

  /** Wait for it before the next delivery. A position alone is in no hurry to be written. */
  async add(report: ProgressReport): Promise<void> {
    const entry = this.#merge(report);
    if (report.deliveries.length === 0 && report.disabledReason === undefined) return;
    const { clock } = this.#options;
    this.#timer ??= clock.after(FLUSH_MS, () => void this.#tryFlush());
    // Each loop waits for its own share: one that is fast must not hold up the others.
    while (entry.deliveries.size >= MOST_DELIVERIES && !this.#isClosing) {
      if (this.#entries.get(report.webhookId) !== entry) return;
      await this.#tryFlush();
    }
  }

  /** Forgets what is not written yet about a subscription that is not ours any more. */
  drop(id: WebhookId): void {
    this.#entries.delete(id);
  }

  /** Resolves when all that was added has been written; throws when the database fails. */
  async flush(): Promise<void> {
    await this.#writes.run(() => this.#write());
  }

  /** From now on nobody who adds is made to wait, so that the loops can end. */
  close(): void {
    this.#isClosing = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#timer?.cancel();
    await this.flush();
  }

  async #tryFlush(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.flush();
    } catch (error) {
      log.warn({ error }, 'the progress of webhooks could not be written; trying again');
      if (this.#isClosing) return;
      this.#timer ??= clock.after(RETRY_MS, () => void this.#tryFlush());
      // Who added waits as well: it must not go on as if this were written.
      await clock.sleep(RETRY_MS);
    }
  }

  async #write(): Promise<void> {
    const { store, holder, clock, onLost, onDisabled, onWritten } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    const entries = this.#entries;
    if (entries.size === 0) return;
    this.#entries = new Map();
    const reports = [...entries].map(([webhookId, { deliveries, ...rest }]) => ({
      webhookId,
      ...rest,
      deliveries: [...deliveries.values()],
    }));
    let lost: ReadonlySet<WebhookId>;
    try {
      lost = await store.record(holder, reports, clock.nowMs());
    } catch (thrown) {
      this.#putBack(entries);
      throw thrown;
    }
    if (lost.size > 0) onLost(lost);
    if (reports.some(({ disabledReason }) => disabledReason !== undefined)) onDisabled();
    await onWritten(reports);
  }

  #putBack(entries: Map<WebhookId, Entry>): void {
    const newer = this.#entries;
    this.#entries = entries;
    for (const [webhookId, { deliveries, ...rest }] of newer) {
      this.#merge({ webhookId, ...rest, deliveries: [...deliveries.values()] });
    }
  }

  #merge({ webhookId, deliveries, ...rest }: ProgressReport): Entry {
    let entry = this.#entries.get(webhookId);
    if (entry === undefined) {
      entry = { disabledReason: undefined, ...rest, deliveries: new Map() };
      this.#entries.set(webhookId, entry);
    }
    entry.updatedAt = rest.updatedAt;
    entry.progress = rest.progress;
    entry.disabledReason ??= rest.disabledReason;
    for (const delivery of deliveries) entry.deliveries.set(delivery.eventId, delivery);
    return entry;
  }
}
