/** The metrics that the document of this API names; a path in them is the pattern of a route. */
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { JOB_STATES, type JobState } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SECOND_MS } from '#kernel/units.ts';

export interface MigrationMetricsOptions {
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly version: string;
  readonly jobs: { counts(): Promise<Readonly<Record<JobState, number>>> };
  readonly runner: { stats(): { readonly active: number } };
}

export class MigrationMetrics {
  readonly #options: MigrationMetricsOptions;
  readonly #requests;
  readonly #durations;
  readonly #jobs;
  readonly #workers;

  constructor(options: MigrationMetricsOptions) {
    const { metrics, version } = options;
    this.#options = options;
    this.#requests = metrics.counter({
      name: 'hypersdk_api_requests_total',
      help: 'Requests to the migration API, by method, route pattern and status.',
      labels: ['method', 'path', 'status'],
    });
    this.#durations = metrics.histogram({
      name: 'hypersdk_api_request_duration_seconds',
      help: 'Time that requests to the migration API took.',
      labels: ['method', 'path'],
    });
    this.#jobs = metrics.gauge({
      name: 'hypersdk_jobs_total',
      help: 'Jobs by status.',
      labels: ['status'],
    });
    this.#workers = metrics.gauge({
      name: 'hypersdk_workers_active',
      help: 'Workers of this process that have a job.',
    });
    metrics
      .gauge({
        name: 'hypersdk_build_info',
        help: 'The version, as a label of a value that is always 1.',
        labels: ['version'],
      })
      .set({ version }, 1);
  }

  /** Brings the gauges up to date; to be called before the metrics are written out. */
  async refresh(): Promise<void> {
    const { jobs, runner } = this.#options;
    const counts = await jobs.counts();
    for (const status of JOB_STATES) this.#jobs.set({ status }, counts[status]);
    this.#workers.set({}, runner.stats().active);
  }

  /** Counts every request to the routes of this scope. */
  observe(app: FastifyInstance): void {
    const { clock } = this.#options;
    app.addHook('onRequest', (request, reply, done) => {
      const { url } = request.routeOptions;
      if (url === undefined || request.is404) {
        done();
        return;
      }
      const path = toPattern(url);
      const startedMs = clock.monotonicMs();
      // Comes once in every case, also when the caller has gone.
      reply.raw.once('close', () => {
        const { method } = request;
        const { statusCode, headersSent } = reply.raw;
        const status = headersSent ? (STATUS_CODES[statusCode] ?? 'Unknown') : 'Client Gone';
        this.#requests.inc({ method, path, status });
        const seconds = (clock.monotonicMs() - startedMs) / SECOND_MS;
        this.#durations.observe({ method, path }, seconds);
      });
      done();
    });
  }
}

/** As the document writes them: `/jobs/{id}`. */
function toPattern(url: string): string {
  return url.replaceAll(/:(\w+)/g, '{$1}');
}
