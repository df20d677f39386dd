/** Tells the pool each second how a member does, as long as it works, and once more after that. */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock, Timer } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { MemberStats } from '#workers/wire/frames.ts';

export interface StatsReporterParts {
  readonly clock: Clock;
  readonly inFlight: () => number;
  readonly send: (stats: MemberStats) => void;
}

export class StatsReporter {
  readonly #parts: StatsReporterParts;
  #timer: Timer | undefined;
  #since: EventLoopUtilization = performance.eventLoopUtilization();

  constructor(parts: StatsReporterParts) {
    this.#parts = parts;
  }

  /** Work begins. A report is due a second from now, so that a busy member is cheap to watch. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#since = performance.eventLoopUtilization();
    this.#timer = this.#parts.clock.every(SECOND_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  report(): void {
    this.#parts.send(this.#measure());
  }

  #tick(): void {
    this.report();
    if (this.#parts.inFlight() === 0) this.stop();
  }

  #measure(): MemberStats {
    const heap = getHeapStatistics();
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#since);
    this.#since = now;
    return {
      heapUsedBytes: heap.used_heap_size,
      isolateBytes: heap.total_heap_size + heap.external_memory + heap.malloced_memory,
      // Rounding in libuv makes it a little negative at times.
      utilization: Math.min(1, Math.max(0, utilization)),
    };
  }
}
