/** The families of the pool. Numbers are kept where things happen and come here when asked for. */
import type { Clock } from '#kernel/clock.ts';
import type { Counter, Gauge, Histogram, MetricsRegistry } from '#kernel/metrics-registry.ts';
import { END_REASONS } from '#workers/worker-view.ts';
import type { AppMeter } from './app-meter.ts';
import type { AppPool } from './app-pool.ts';
import type { Ledger } from './ledger.ts';
import type { PoolWorker } from './pool-worker.ts';
import { OUTCOMES } from './work.ts';

/** Of 2000 apps at a time, each with its states, outcomes or reasons. */
const MOST_LABEL_SETS = 20_000;
const COUNTED_STATES = ['active', 'idle', 'creating'] as const;
const START_KINDS = ['cold', 'warm'] as const;

type App = 'app';

/** An app, or the stock of warm workers. */
interface Counted {
  readonly key: string;
  readonly ledger: Ledger;
  readonly workers: Iterable<PoolWorker>;
  readonly meter: AppMeter;
}

export interface Observed {
  readonly clock: Clock;
  readonly apps: () => Iterable<AppPool>;
  readonly warm: Counted;
  /** Apps that wait for a worker to be started. */
  readonly waiting: () => number;
}

export class PoolMetrics implements Disposable {
  readonly #workers: Gauge<App | 'state'>;
  readonly #perApp: Readonly<Record<'queued' | 'inFlight' | 'failing', Gauge<App>>>;
  readonly #utilization: Gauge<App>;
  readonly #memory: Gauge<App>;
  readonly #waiting: Gauge<never>;
  readonly #requests: Counter<App | 'outcome'>;
  readonly #ends: Counter<App | 'reason'>;
  readonly #failedStarts: Counter<App>;
  readonly #queueWait: Histogram<App>;
  readonly #run: Histogram<App>;
  readonly #starts: Histogram<App | 'kind'>;
  readonly #collecting: Disposable;

  constructor(registry: MetricsRegistry, observed: Observed) {
    const gauge = <Name extends string>(name: string, help: string, labels: readonly Name[]) =>
      registry.gauge({ name, help, labels, maxLabelSets: MOST_LABEL_SETS });
    const counter = <Name extends string>(name: string, help: string, labels: readonly Name[]) =>
      registry.counter({ name, help, labels, maxLabelSets: MOST_LABEL_SETS });
    const histogram = <Name extends string>(name: string, help: string, labels: readonly Name[]) =>
      registry.histogram({ name, help, labels, maxLabelSets: MOST_LABEL_SETS });
    const app = ['app'] as const;
    this.#workers = gauge('drover_app_workers', 'Workers of an app.', ['app', 'state']);
    this.#perApp = {
      queued: gauge('drover_app_queue_depth', 'Requests that wait for a worker.', app),
      inFlight: gauge('drover_app_in_flight', 'Requests in workers.', app),
      failing: gauge('drover_app_failing', '1 while the workers of an app do not start.', app),
    };
    this.#utilization = gauge(
      'drover_app_event_loop_utilization',
      'Event loop utilization of the workers of an app, added up.',
      app,
    );
    this.#memory = gauge('drover_app_memory_bytes', 'Memory of its workers, added up.', app);
    this.#waiting = gauge('drover_worker_starts_waiting', 'Apps that wait for a worker.', []);
    this.#requests = counter('drover_app_requests_total', 'Requests that ended, and how.', [
      'app',
      'outcome',
    ]);
    this.#ends = counter('drover_worker_ends_total', 'Workers that ended, and why.', [
      'app',
      'reason',
    ]);
    this.#failedStarts = counter('drover_worker_failed_starts_total', 'Failed starts.', app);
    this.#queueWait = histogram('drover_app_queue_wait_seconds', 'Waiting for a worker.', app);
    this.#run = histogram('drover_app_run_seconds', 'From hand-over to the end of answers.', app);
    this.#starts = histogram(
      'drover_worker_start_seconds',
      'From the decision to start a worker to its app being loaded; warm ones were there before.',
      ['app', 'kind'],
    );
    this.#collecting = registry.onCollect(() => this.#collect(observed));
  }

  /** To be called when the app is closed: what it counted last is kept under its name. */
  settle({ key, meter }: Pick<Counted, 'key' | 'meter'>): void {
    this.#flush({ app: key }, meter);
  }

  /** To be called when nothing of the app is left, nor anything new under its name. */
  forget(key: string): void {
    const labels = { app: key };
    for (const state of COUNTED_STATES) this.#workers.remove({ ...labels, state });
    for (const each of Object.values(this.#perApp)) each.remove(labels);
    for (const each of [this.#utilization, this.#memory]) each.remove(labels);
    for (const outcome of OUTCOMES) this.#requests.remove({ ...labels, outcome });
    for (const reason of END_REASONS) this.#ends.remove({ ...labels, reason });
    for (const each of [this.#failedStarts, this.#queueWait, this.#run]) each.remove(labels);
    for (const kind of START_KINDS) this.#starts.remove({ ...labels, kind });
  }

  [Symbol.dispose](): void {
    this.#collecting[Symbol.dispose]();
  }

  #collect({ clock, apps, warm, waiting }: Observed): void {
    const nowMs = clock.monotonicMs();
    const gauges = [this.#workers, this.#utilization, this.#memory];
    for (const each of [...gauges, ...Object.values(this.#perApp)]) each.clear();
    this.#waiting.set({}, waiting());
    this.#collectOwner(warm, nowMs);
    for (const app of apps()) {
      this.#collectOwner(app, nowMs);
      const labels = { app: app.key };
      this.#perApp.queued.add(labels, app.queue.length);
      this.#perApp.inFlight.add(labels, app.inFlight);
      this.#perApp.failing.add(labels, app.backoff.failing === undefined ? 0 : 1);
    }
  }

  /** An app that is deployed again has the same name as what is left of it: numbers add up. */
  #collectOwner({ key, ledger, workers, meter }: Counted, nowMs: number): void {
    const labels = { app: key };
    for (const state of COUNTED_STATES) this.#workers.add({ ...labels, state }, ledger[state]);
    let utilization = 0;
    let bytes = 0;
    for (const worker of workers) {
      utilization += worker.utilizationAt(nowMs);
      bytes += worker.rssBytes;
    }
    this.#utilization.add(labels, utilization);
    this.#memory.add(labels, bytes);
    this.#flush(labels, meter);
  }

  #flush(labels: { readonly app: string }, meter: AppMeter): void {
    for (const [outcome, count] of meter.takeOutcomes()) {
      this.#requests.inc({ ...labels, outcome }, count);
    }
    for (const [reason, count] of meter.takeEnds()) this.#ends.inc({ ...labels, reason }, count);
    const failedStarts = meter.takeFailedStarts();
    if (failedStarts > 0) this.#failedStarts.inc(labels, failedStarts);
    meter.queueWait.flush(this.#queueWait, labels);
    meter.run.flush(this.#run, labels);
    for (const kind of START_KINDS) meter.starts[kind].flush(this.#starts, { ...labels, kind });
  }
}
