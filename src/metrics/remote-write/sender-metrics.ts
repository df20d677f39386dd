/** What remote write tells about itself in the exposition. Labels are closed sets. */
import type { Counter, Gauge, MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { SenderHealth } from './receiver-sender.ts';
import type { TickQueue } from './tick-queue.ts';

/**
 * - `sent`: the receiver took them.
 * - `refused`: the receiver will never take them.
 * - `dropped`: their segment was too old, one too many, or damaged before they were sent.
 */
export const SAMPLE_RESULTS = ['sent', 'refused', 'dropped'] as const;
export type SampleResult = (typeof SAMPLE_RESULTS)[number];

const OUTCOMES = ['2xx', '3xx', '429', '4xx', '5xx', 'none'] as const;

export class RemoteWriteMetrics {
  readonly #samples: Counter<'receiver' | 'result'>;
  readonly #requests: Counter<'receiver' | 'answer'>;
  readonly #pendingSamples: Gauge<'receiver'>;
  readonly #pendingBytes: Gauge<'receiver'>;
  readonly #oldest: Gauge<'receiver'>;
  readonly #queueBytes: Gauge<never>;
  readonly #lostTicks: Gauge<never>;
  readonly #corrupt: Gauge<never>;
  readonly #expired: Gauge<never>;

  constructor(registry: MetricsRegistry) {
    const labels = ['receiver'] as const;
    this.#samples = registry.counter({
      name: 'drover_remote_write_samples_total',
      help: 'Samples by what became of them: sent, refused by the receiver, or dropped unsent.',
      labels: ['receiver', 'result'],
    });
    this.#requests = registry.counter({
      name: 'drover_remote_write_requests_total',
      help: 'Remote write requests by their answer; none is no answer at all.',
      labels: ['receiver', 'answer'],
    });
    this.#pendingSamples = registry.gauge({
      name: 'drover_remote_write_pending_samples',
      help: 'Samples in the queue that the receiver has not taken.',
      labels,
    });
    this.#pendingBytes = registry.gauge({
      name: 'drover_remote_write_pending_bytes',
      help: 'Bytes of the queue that the receiver has not taken.',
      labels,
    });
    this.#oldest = registry.gauge({
      name: 'drover_remote_write_oldest_pending_seconds',
      help: 'How old the oldest sample is that the receiver has not taken.',
      labels,
    });
    this.#queueBytes = registry.gauge({
      name: 'drover_remote_write_queue_bytes',
      help: 'Size of the queue on disk.',
    });
    this.#lostTicks = registry.gauge({
      name: 'drover_remote_write_lost_ticks',
      help: 'Ticks since the start that could not be written to the queue.',
    });
    this.#corrupt = registry.gauge({
      name: 'drover_remote_write_corrupt_segments',
      help: 'Segments of the queue found damaged since the start.',
    });
    this.#expired = registry.gauge({
      name: 'drover_remote_write_expired_segments',
      help: 'Segments deleted since the start because the queue was too large or too old.',
    });
  }

  forReceiver(receiver: string): SenderMetrics {
    for (const result of SAMPLE_RESULTS) this.#samples.inc({ receiver, result }, 0);
    for (const answer of OUTCOMES) this.#requests.inc({ receiver, answer }, 0);
    return {
      count: (result, samples) => this.#samples.inc({ receiver, result }, samples),
      countRequest: (status) => this.#requests.inc({ receiver, answer: statusToOutcome(status) }),
    };
  }

  show(queue: TickQueue, receivers: readonly SenderHealth[]): void {
    this.#queueBytes.set({}, queue.bytes);
    this.#lostTicks.set({}, queue.lostTicks);
    this.#corrupt.set({}, queue.corruptSegments);
    this.#expired.set({}, queue.expiredSegments);
    for (const { receiver, pendingSamples, pendingBytes, oldestPendingMs } of receivers) {
      this.#pendingSamples.set({ receiver }, pendingSamples);
      this.#pendingBytes.set({ receiver }, pendingBytes);
      this.#oldest.set({ receiver }, oldestPendingMs / 1000);
    }
  }
}

export interface SenderMetrics {
  readonly count: (result: SampleResult, samples: number) => void;
  /** Undefined: there was no answer. */
  readonly countRequest: (status: number | undefined) => void;
}

function statusToOutcome(status: number | undefined): (typeof OUTCOMES)[number] {
  if (status === undefined) return 'none';
  if (status === 429) return '429';
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  return status < 500 ? '4xx' : '5xx';
}
