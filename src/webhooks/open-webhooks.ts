/** The whole engine, put together and running. */
import type { EventLog } from '#events/event-log.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { EventKind } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { randomFraction } from '#kernel/random.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import type { AttemptResult } from './attempt.ts';
import { AttemptSlots } from './attempt-slots.ts';
import { WebhookDirectory } from './webhook-directory.ts';
import { WebhookEngine } from './webhook-engine.ts';
import type { SampledInstance } from './webhook-filter.ts';
import type { WebhookFormat } from './webhook-format.ts';
import { WebhookHealthReport, type WebhookHealth } from './webhook-health.ts';
import type { WebhookSender } from './webhook-sender.ts';
import { WebhookService } from './webhook-service.ts';
import type { WebhookLimits, WebhookStore } from './webhook-store.ts';

const LIMITS: WebhookLimits = { perOwner: 200, inAll: 10_000 };

export interface OpenWebhooksOptions {
  readonly store: WebhookStore;
  readonly events: EventLog;
  readonly eventSignal: EventSignal;
  readonly formats: readonly WebhookFormat[];
  readonly sender: WebhookSender;
  readonly secretBox: SecretBox;
  /** Names this process among those that share the database, and stays over a restart. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly limits?: WebhookLimits;
  /** From 0 to 1; spreads the retries. */
  readonly chance?: () => number;
}

export interface Webhooks extends AsyncDisposable {
  readonly service: WebhookService;
  readonly sender: WebhookSender;
  /** Whether anybody wants to be told of such events; known at once, at most a second old. */
  hasSubscribers(kind: EventKind): boolean;
  /** Whether anybody would be sent samples of it; known as soon. */
  wantsSamplesOf(instance: SampledInstance): boolean;
  health(): Promise<WebhookHealth>;
}

export async function openWebhooks(options: OpenWebhooksOptions): Promise<Webhooks> {
  const { store, formats, sender, metrics, clock, limits = LIMITS } = options;
  const { chance = randomFraction } = options;
  const directory = new WebhookDirectory(store, formats);
  const slots = new AttemptSlots();
  const counters = createCounters(metrics);
  const engine = new WebhookEngine({ ...options, chance, directory, slots, ...counters });
  const service = new WebhookService({
    ...{ ...options, directory, slots, limits },
    onChange: () => engine.refresh(),
    onRead: () => engine.flush(),
  });
  const report = new WebhookHealthReport({ store, directory, clock, loops: () => engine.loops });
  const gauges = exposeGauges(metrics, report);
  try {
    await engine.start();
  } catch (thrown) {
    gauges[Symbol.dispose]();
    await engine[Symbol.asyncDispose]();
    throw thrown;
  }
  return {
    ...{ service, sender },
    hasSubscribers: (kind) => directory.hasSubscribers(kind),
    wantsSamplesOf: (instance) => directory.wantsSamplesOf(instance),
    health: () => report.read(),
    async [Symbol.asyncDispose]() {
      gauges[Symbol.dispose]();
      await engine[Symbol.asyncDispose]();
      await sender[Symbol.asyncDispose]();
    },
  };
}

function createCounters(metrics: MetricsRegistry): {
  readonly onAttempt: (result: AttemptResult) => void;
  readonly onDead: () => void;
} {
  const deliveries = metrics.counter({
    name: 'drover_webhook_deliveries_total',
    help: 'Attempts to deliver an event by how they ended, and events given up.',
    labels: ['result'],
  });
  const latency = metrics.histogram({
    name: 'drover_webhook_attempt_duration_seconds',
    help: 'How long receivers of webhooks take to answer.',
  });
  return {
    onAttempt({ verdict, outcome }) {
      deliveries.inc({ result: verdict.kind });
      latency.observe({}, outcome.latencyMs / 1000);
    },
    onDead: () => deliveries.inc({ result: 'dead' }),
  };
}

/** As of the reading before: counting what waits takes longer than an exposition may. */
function exposeGauges(metrics: MetricsRegistry, report: WebhookHealthReport): Disposable {
  const pending = metrics.gauge({
    name: 'drover_webhook_pending_events',
    help: 'Events that wait for their receivers; each subscription counts at most 10000.',
  });
  const failing = metrics.gauge({
    name: 'drover_webhook_failing',
    help: 'Subscriptions whose last attempt failed.',
  });
  const show = (health: WebhookHealth) => {
    pending.set({}, health.pending);
    failing.set({}, health.failing.length);
  };
  show({ ...NOTHING });
  return metrics.onCollect(() => {
    // A store that does not answer leaves the values as they were.
    void report.read().then(show, () => undefined);
  });
}

const NOTHING: WebhookHealth = {
  enabled: 0,
  disabled: 0,
  failing: [],
  pending: 0,
  oldestPendingAt: undefined,
  lastDeliveredAt: undefined,
};
