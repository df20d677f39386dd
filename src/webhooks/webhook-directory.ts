/**
 * All subscriptions, as of the last look at the store. It answers at once whether anybody wants a
 * kind of event, so that nothing need be made for nobody.
 */
import type { EventKind } from '#events/event.ts';
import { isWantedSample, type SampledInstance } from './webhook-filter.ts';
import type { WebhookFormat } from './webhook-format.ts';
import type { WebhookStore } from './webhook-store.ts';
import type { Webhook, WebhookId } from './webhook.ts';

export class WebhookDirectory {
  readonly #store: WebhookStore;
  readonly #formats: ReadonlyMap<string, WebhookFormat>;
  #version = -1;
  #webhooks: ReadonlyMap<WebhookId, Webhook> = new Map();
  #wanted: ReadonlySet<EventKind> = new Set();
  #sampling: readonly Webhook[] = [];

  constructor(store: WebhookStore, formats: readonly WebhookFormat[]) {
    this.#store = store;
    this.#formats = new Map(formats.map((format) => [format.name, format]));
  }

  get webhooks(): ReadonlyMap<WebhookId, Webhook> {
    return this.#webhooks;
  }

  get formats(): readonly string[] {
    return [...this.#formats.keys()];
  }

  /** Undefined for a subscription of a surface that this process does not have. */
  formatOf(webhook: Pick<Webhook, 'format'>): WebhookFormat | undefined {
    return this.#formats.get(webhook.format);
  }

  hasSubscribers(kind: EventKind): boolean {
    return this.#wanted.has(kind);
  }

  /** Whether anybody would be sent samples of this host, or of this machine. */
  wantsSamplesOf(instance: SampledInstance): boolean {
    return this.#sampling.some((webhook) => isWantedSample(webhook, instance));
  }

  kindsOf(webhook: Webhook): readonly EventKind[] {
    const format = this.formatOf(webhook);
    return format === undefined ? [] : webhook.eventTypes.flatMap((type) => format.kindsOf(type));
  }

  /** Whether anything had changed. */
  async refresh(): Promise<boolean> {
    // The version first: what changes after it is read anew the next time.
    const version = await this.#store.version();
    if (version === this.#version) return false;
    const webhooks = await this.#store.list();
    this.#webhooks = new Map(webhooks.map((webhook) => [webhook.id, webhook]));
    const enabled = webhooks.filter(({ isEnabled }) => isEnabled);
    this.#wanted = new Set(enabled.flatMap((webhook) => this.kindsOf(webhook)));
    this.#sampling = enabled.filter((each) => this.kindsOf(each).includes('metrics.sampled'));
    this.#version = version;
    return true;
  }
}
