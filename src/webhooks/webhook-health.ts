/** How delivery stands over all subscriptions, for health reports and metrics. */
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { WebhookDirectory } from './webhook-directory.ts';
import type { WebhookLoop } from './webhook-loop.ts';
import type { WebhookStore } from './webhook-store.ts';
import type { WebhookId } from './webhook.ts';

export interface FailingWebhook {
  readonly id: WebhookId;
  /** Attempts in a row. */
  readonly failures: number;
  readonly failingSince: number;
  readonly lastError: string;
}

export interface WebhookHealth {
  readonly enabled: number;
  /** Switched off by a 410 or by a secret that cannot be read, and not by their owners. */
  readonly disabled: number;
  readonly failing: readonly FailingWebhook[];
  /** Events that wait, of all subscriptions together; each counts at most 10,000. */
  readonly pending: number;
  readonly oldestPendingAt: number | undefined;
  /** When a delivery last succeeded. */
  readonly lastDeliveredAt: number | undefined;
}

export interface HealthParts {
  readonly store: WebhookStore;
  readonly directory: WebhookDirectory;
  readonly clock: Clock;
  readonly loops: () => ReadonlyMap<WebhookId, WebhookLoop>;
}

const CACHE_MS = 5 * SECOND_MS;
const MOST_COUNTED = 10_000;

/** Of the subscriptions that this process delivers. At most five seconds old. */
export class WebhookHealthReport {
  readonly #parts: HealthParts;
  #cached: { readonly untilMs: number; readonly health: Promise<WebhookHealth> } | undefined;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  async read(): Promise<WebhookHealth> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#cached !== undefined && nowMs < this.#cached.untilMs) return this.#cached.health;
    const health = this.#take();
    const cached = { untilMs: nowMs + CACHE_MS, health };
    this.#cached = cached;
    health.catch(() => {
      if (this.#cached === cached) this.#cached = undefined;
    });
    return health;
  }

  async #take(): Promise<WebhookHealth> {
    const { directory, loops } = this.#parts;
    const all = [...directory.webhooks.values()];
    const running = [...loops().values()];
    const failing = running.flatMap(({ webhook: { id }, progress }): FailingWebhook[] => {
      const { failures, failingSince, lastError } = progress;
      if (failingSince === undefined) return [];
      return [{ id, failures, failingSince, lastError: lastError ?? 'unknown' }];
    });
    let pending = 0;
    // Only those with something to do are counted, so an idle Drover asks the store nothing.
    const behind = running.filter(({ oldestWaitingAt }) => oldestWaitingAt !== undefined);
    for (const loop of behind) pending += await this.#countWaiting(loop);
    return {
      enabled: all.filter(({ isEnabled }) => isEnabled).length,
      disabled: all.filter(({ disabledReason }) => disabledReason !== undefined).length,
      failing,
      pending,
      oldestPendingAt: least(behind.map(({ oldestWaitingAt }) => oldestWaitingAt)),
      lastDeliveredAt: most(running.map(({ progress }) => progress.deliveredAt)),
    };
  }

  async #countWaiting({ webhook, progress }: WebhookLoop): Promise<number> {
    const { store, directory } = this.#parts;
    return await store.countWaiting({
      afterId: progress.position,
      kinds: directory.kindsOf(webhook),
      customerId: webhook.customerId,
      most: MOST_COUNTED,
    });
  }
}

function least(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce(
    (best, value) => (value === undefined || (best !== undefined && best <= value) ? best : value),
    undefined,
  );
}

function most(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce(
    (best, value) => (value === undefined || (best !== undefined && best >= value) ? best : value),
    undefined,
  );
}
