/** The engine on a database of its own, a clock that stands, and a receiver that obeys. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainEvent } from '#events/event.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { openStoresAt, type OpenStores } from '#test/contract/databases.ts';
import { createLogCapture, type LogCapture } from '#test/log-capture.ts';
import { emit, FakeSender, testFormat, testSecretBox } from '#test/webhook-fixture.ts';
import type { Delivery } from '#webhooks/delivery.ts';
import { openWebhooks, type OpenWebhooksOptions, type Webhooks } from '#webhooks/open-webhooks.ts';
import type { Registration, WebhookScope } from '#webhooks/webhook-service.ts';
import type { Webhook } from '#webhooks/webhook.ts';

export const OPERATOR: WebhookScope = { format: 'vm-metrics', customerId: undefined };

export class WebhookEngineFixture implements AsyncDisposable {
  readonly stores: OpenStores;
  readonly logged: LogCapture = createLogCapture();
  readonly metrics = new MetricsRegistry();
  readonly sender = new FakeSender();
  readonly #directory: string | undefined;
  #webhooks: Webhooks | undefined;

  private constructor(stores: OpenStores, directory: string | undefined) {
    this.stores = stores;
    this.#directory = directory;
  }

  static async open(options: Partial<OpenWebhooksOptions> = {}): Promise<WebhookEngineFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'drover-webhooks-'));
    const stores = await openStoresAt(`sqlite:${join(directory, 'drover.db')}`);
    const fixture = new WebhookEngineFixture(stores, directory);
    await fixture.start(options);
    return fixture;
  }

  get clock() {
    return this.stores.clock;
  }

  get webhooks(): Webhooks {
    if (this.#webhooks === undefined) throw new Error('the engine is stopped');
    return this.#webhooks;
  }

  get service() {
    return this.webhooks.service;
  }

  async start(options: Partial<OpenWebhooksOptions> = {}): Promise<void> {
    const { stores, sender, metrics, logged } = this;
    this.#webhooks = await openWebhooks({
      ...{ store: stores.webhooks, events: stores.events, eventSignal: stores.eventSignal },
      ...{ formats: [testFormat], sender, secretBox: testSecretBox, holder: 'host-1' },
      ...{ clock: stores.clock, log: logged.log, metrics, chance: () => 1, ...options },
    });
  }

  async stop(): Promise<void> {
    const webhooks = this.#webhooks;
    this.#webhooks = undefined;
    await webhooks?.[Symbol.asyncDispose]();
  }

  /** Every event type, everything else as it is when left out. */
  async register(choices: Partial<Registration> = {}, customerId?: CustomerId): Promise<Webhook> {
    return await this.service.register(
      { ...OPERATOR, customerId },
      {
        url: 'http://receiver.example/',
        eventTypes: ['metrics', 'threshold_violation'],
        filter: {},
        secret: undefined,
        headers: {},
        timeoutMs: undefined,
        maxAttempts: undefined,
        isEnabled: true,
        ...choices,
      },
    );
  }

  /** Events that happen now. */
  async emit(...events: readonly DomainEvent[]): Promise<void> {
    await emit(this.stores, this.clock.nowMs(), events);
  }

  /** Moves time on in small steps, since what it wakes may take a while to ask for more of it. */
  async until(condition: () => boolean | Promise<boolean>, stepMs = 100): Promise<void> {
    for (let step = 0; step < 2000; step += 1) {
      if (await condition()) return;
      await this.clock.advance(stepMs);
    }
    throw new Error('what was waited for did not come about');
  }

  async deliveries(webhook: Webhook): Promise<readonly Delivery[]> {
    const query = { states: [], beforeEventId: undefined, limit: 1000 };
    return (await this.service.listDeliveries(OPERATOR, webhook.id, query)).toReversed();
  }

  async read(webhook: Webhook): Promise<Webhook> {
    return await this.service.get(OPERATOR, webhook.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The clock stands: whatever waits for time to pass at the end is let go by hand.
    const stopped = this.stop();
    await Promise.race([stopped, this.clock.advance(60_000)]);
    await stopped;
    await this.stores[Symbol.asyncDispose]();
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true });
  }
}
