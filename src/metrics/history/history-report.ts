/** What goes wrong in keeping history: told once in the log where it may repeat, always counted. */
import type { Log } from '#kernel/log.ts';
import type { Counter, MetricsRegistry } from '#kernel/metrics-registry.ts';

export type Damaged = 'chunk' | 'pack' | 'log';
export type LossCause = 'unlogged' | 'unsealed' | 'out_of_order';

export class HistoryReport {
  readonly log: Log;
  readonly #damaged: Counter<'part'>;
  readonly #lost: Counter<'cause'>;
  readonly #failures: Counter<never>;
  readonly #told = new Set<string>();
  damagedCount = 0;

  constructor(log: Log, metrics: MetricsRegistry) {
    this.log = log;
    this.#damaged = metrics.counter({
      name: 'drover_history_damaged_total',
      help: 'Damaged parts of the metric history that were found and left out, by kind.',
      labels: ['part'],
    });
    this.#lost = metrics.counter({
      name: 'drover_history_lost_samples_total',
      help:
        'Samples that were not kept (unsealed, out_of_order), or were for some time only in ' +
        'memory (unlogged).',
      labels: ['cause'],
    });
    this.#failures = metrics.counter({
      name: 'drover_history_seal_failures_total',
      help: 'Failed attempts to store sealed samples; they are repeated.',
    });
  }

  /** A part is told of once, however often it is read. */
  damaged(part: Damaged, where: string, error: unknown): void {
    const key = `${part} ${where}`;
    if (this.#told.has(key)) return;
    if (this.#told.size < 10_000) this.#told.add(key);
    this.damagedCount += 1;
    this.#damaged.inc({ part });
    this.log.error({ part, where, error }, 'stored metrics are damaged; the part is left out');
  }

  lost(cause: LossCause, samples: number): void {
    this.#lost.inc({ cause }, samples);
  }

  sealFailed(error: unknown, isFirst: boolean): void {
    this.#failures.inc({});
    if (!isFirst) return;
    this.log.error({ error }, 'metrics cannot be stored at present; they are kept and tried again');
  }
}
