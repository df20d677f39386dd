import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Outcome, SettledAttempt } from './job-store.ts';
import { JOB_STATES, type Job, type JobState } from './job.ts';

/** From a no-op to a day of copying. */
const BUCKETS = [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600];

export class JobMetrics implements Disposable {
  readonly #jobs;
  readonly #durations;
  readonly #attempts;
  readonly #waits;
  readonly #collecting: Disposable;

  constructor(
    metrics: MetricsRegistry,
    stats: () => { readonly slots: number; readonly active: number },
  ) {
    this.#jobs = metrics.gauge({
      ...{ name: 'drover_jobs', labels: ['state'] },
      help: 'Jobs in the database, by state; those that ended, as long as they are kept.',
    });
    this.#durations = metrics.histogram({
      ...{ name: 'drover_job_duration_seconds', labels: ['kind', 'outcome'], buckets: BUCKETS },
      help: 'Time from the first start of a job to its end.',
    });
    this.#attempts = metrics.counter({
      ...{ name: 'drover_job_attempts_total', labels: ['kind', 'outcome'] },
      help: 'Attempts of jobs that are over, by what they came to.',
    });
    this.#waits = metrics.histogram({
      ...{ name: 'drover_job_queue_wait_seconds', labels: ['kind'], buckets: BUCKETS },
      help: 'Time from when a job might have run to its first start.',
    });
    const slots = metrics.gauge<'use'>({
      ...{ name: 'drover_job_slots', labels: ['use'] },
      help: 'Jobs that this process can run at a time, and how many it does.',
    });
    this.#collecting = metrics.onCollect(() => {
      const { slots: all, active } = stats();
      slots.set({ use: 'all' }, all);
      slots.set({ use: 'active' }, active);
    });
  }

  [Symbol.dispose](): void {
    this.#collecting[Symbol.dispose]();
  }

  started({ kind, attempt, runAfter, createdAt, startedAt }: Job): void {
    if (attempt !== 1 || startedAt === undefined) return;
    const waitMs = Math.max(0, startedAt - Math.max(runAfter, createdAt));
    this.#waits.observe({ kind }, waitMs / SECOND_MS);
  }

  settled({ job, at, outcome }: SettledAttempt): void {
    const { kind } = job;
    this.#attempts.inc({ kind, outcome: outcome.kind });
    if (!HAS_ENDED[outcome.kind]) return;
    const durationMs = Math.max(0, at - (job.startedAt ?? at));
    this.#durations.observe({ kind, outcome: outcome.kind }, durationMs / SECOND_MS);
  }

  counted(counts: Readonly<Record<JobState, number>>): void {
    for (const state of JOB_STATES) this.#jobs.set({ state }, counts[state]);
  }
}

const HAS_ENDED = {
  completed: true,
  failed: true,
  cancelled: true,
  retrying: false,
  released: false,
} satisfies Record<Outcome['kind'], boolean>;
