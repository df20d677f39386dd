/**
 * Measures again and again:
 *
 *   due → collectors, all begun at once → [all done, or out of time] → endTick → listeners
 *
 * Ticks fall on multiples of the interval and never overlap. One that comes late is not made up
 * for. A collector that has not settled when its next turn comes is left out until it has.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { untilAborted } from '#kernel/abort.ts';
import type { Log } from '#kernel/log.ts';
import type { Collector, Tick } from './collector.ts';
import type { HostReadings } from './host-readings.ts';
import { Pacer } from './history/pacer.ts';
import type { MetricFamily } from './metric-family.ts';
import type { LiveSeries, SampleTable } from './sample-table.ts';

export interface CompletedTick {
  readonly atMs: number;
  readonly monotonicMs: number;
  readonly intervalMs: number;
  readonly readings: HostReadings;
}

export interface SamplerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: SampleTable;
  readonly collectors: readonly Collector[];
  readonly intervalMs: number;
}

/** How far from its due time a sample may be taken and still carry the due time. */
const ALIGNMENT_TOLERANCE = 0.1;
const MOST_WAIT_MS = 2000;
/** Rates need two readings: how far apart they are for the very first sample. */
const PRIMING_MS = 200;
const MICROS_PER_MS = 1000;

const DURATION: MetricFamily = {
  name: 'node_scrape_collector_duration_seconds',
  help: 'How long the collector took for its last sample.',
  kind: 'gauge',
  scale: 6,
};
const SUCCESS: MetricFamily = {
  name: 'node_scrape_collector_success',
  help: 'Whether the collector could take its last sample.',
  kind: 'gauge',
  scale: 0,
};

interface Running {
  readonly collector: Collector;
  readonly duration: LiveSeries;
  readonly success: LiveSeries;
  /** Set while a promise of the collector has not settled. */
  isBusy: boolean;
  /** So that a failure is logged when it begins and not every second. */
  hasFailed: boolean;
}

export class Sampler implements AsyncDisposable {
  readonly #options: SamplerOptions;
  readonly #running: readonly Running[];
  readonly #listeners = new Set<(tick: CompletedTick) => void>();
  readonly #first = Promise.withResolvers<CompletedTick>();
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #isPrimed = false;
  #inProgress: Promise<void> = Promise.resolve();
  #latest: CompletedTick | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
    const { table, collectors } = options;
    this.#running = collectors.map((collector) => ({
      collector,
      duration: table.family(DURATION).series({ collector: collector.name }),
      success: table.family(SUCCESS).series({ collector: collector.name }),
      isBusy: false,
      hasFailed: false,
    }));
    // Nobody may be waiting for the first sample when the sampler is stopped.
    this.#first.promise.catch(() => undefined);
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  get latest(): CompletedTick | undefined {
    return this.#latest;
  }

  /** The newest sample; only before there is one does this wait. */
  async sample(signal: AbortSignal): Promise<CompletedTick> {
    return this.#latest ?? (await untilAborted(this.#first.promise, signal));
  }

  /** Called after each tick, in the order of registration. Slow work must be put elsewhere. */
  onTick(listener: (tick: CompletedTick) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Reads everything once at once, and again soon after for the first sample with rates. */
  start(): void {
    this.#take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#inProgress;
    this.#first.reject(this.#stopping.signal.reason);
    for (const { collector } of this.#running) await collector[Symbol.asyncDispose]?.();
  }

  #take(): void {
    this.#inProgress = this.#tick().finally(() => this.#plan());
  }

  #plan(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, intervalMs } = this.#options;
    if (!this.#isPrimed) {
      this.#isPrimed = true;
      this.#timer = clock.after(Math.min(PRIMING_MS, intervalMs), () => this.#take());
      return;
    }
    const sinceDue = clock.nowMs() % intervalMs;
    // A timer may fire a little early; that instant is then done and the next one is meant.
    const isEarly = sinceDue > intervalMs * (1 - ALIGNMENT_TOLERANCE);
    const waitMs = intervalMs - sinceDue + (isEarly ? intervalMs : 0);
    this.#timer = clock.after(waitMs, () => this.#take());
  }

  async #tick(): Promise<void> {
    const { clock, table, intervalMs } = this.#options;
    const readings: HostReadings = {};
    const timeUp = new AbortController();
    const tick: Tick = {
      atMs: this.#alignedNow(),
      monotonicMs: clock.monotonicMs(),
      intervalMs,
      signal: timeUp.signal,
      readings,
    };
    const pending: Promise<void>[] = [];
    for (const running of this.#running) {
      const promise = this.#collect(running, tick);
      if (promise !== undefined) pending.push(promise);
    }
    if (pending.length > 0) await this.#wait(pending, timeUp);
    table.endTick();
    if (!this.#isPrimed) return;
    const { atMs, monotonicMs } = tick;
    // A copy: a collector that comes too late must not change what others have been shown.
    this.#latest = { atMs, monotonicMs, intervalMs, readings: { ...readings } };
    const latest = this.#latest;
    await this.#tell(latest);
    this.#first.resolve(latest);
  }

  #collect(running: Running, tick: Tick): Promise<void> | undefined {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const end = (error?: unknown) => this.#record(running, clock.monotonicMs() - startedMs, error);
    if (running.isBusy) {
      this.#record(running, undefined, new Error('it is still busy with an earlier sample'));
      return undefined;
    }
    try {
      const promise = running.collector.collect(tick);
      if (promise === undefined) {
        end();
        return undefined;
      }
      running.isBusy = true;
      return promise.then(
        () => {
          running.isBusy = false;
          if (!tick.signal.aborted) end();
        },
        (thrown: unknown) => {
          running.isBusy = false;
          if (!tick.signal.aborted) end(thrown);
        },
      );
    } catch (thrown) {
      end(thrown);
      return undefined;
    }
  }

  async #wait(pending: readonly Promise<void>[], timeUp: AbortController): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const stop = () => timeUp.abort(this.#stopping.signal.reason);
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    const timer = clock.after(Math.min(MOST_WAIT_MS, intervalMs / 2), () => {
      for (const running of this.#running) {
        if (running.isBusy) this.#record(running, undefined, new Error('it ran out of time'));
      }
      timeUp.abort();
    });
    const aborted = Promise.withResolvers<void>();
    timeUp.signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    await Promise.race([Promise.all(pending), aborted.promise]);
    timer.cancel();
    this.#stopping.signal.removeEventListener('abort', stop);
    timeUp.abort();
  }

  #record(running: Running, durationMs: number | undefined, error?: unknown): void {
    if (durationMs !== undefined) running.duration.set(Math.round(durationMs * MICROS_PER_MS));
    running.success.set(error === undefined ? 1 : 0);
    if (error !== undefined && !running.hasFailed) {
      const { name } = running.collector;
      this.#options.log.warn({ collector: name, error }, 'a collector cannot take samples');
    }
    running.hasFailed = error !== undefined;
  }

  /** Samples at equal distances compress to nothing and line up across hosts. */
  #alignedNow(): number {
    const { clock, intervalMs } = this.#options;
    const nowMs = Math.round(clock.nowMs());
    const aligned = Math.round(nowMs / intervalMs) * intervalMs;
    return Math.abs(aligned - nowMs) <= intervalMs * ALIGNMENT_TOLERANCE ? aligned : nowMs;
  }

  /** With very many series each of them takes a while, and others must get their turn. */
  async #tell(tick: CompletedTick): Promise<void> {
    const pacer = new Pacer(this.#options.clock);
    for (const listener of this.#listeners) {
      if (pacer.isDue) await pacer.pause();
      try {
        listener(tick);
      } catch (thrown) {
        this.#options.log.error({ error: thrown }, 'a sample could not be handed on');
      }
    }
  }
}
