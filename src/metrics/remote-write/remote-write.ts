/**
 * Sends every sample to others by Prometheus remote write 1.0:
 *
 *   tick → queue on disk ─→ sender of receiver A
 *                        └→ sender of receiver B          each at its own pace
 *
 * A receiver that is away finds the samples of its absence when it is back, up to the bounds of
 * the queue. Neither a slow receiver nor a full disk delays a tick.
 */
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { Labels } from '#metrics/labels.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { CompletedTick } from '#metrics/sampler.ts';
import { QueueReader, type QueuePosition } from './queue-reader.ts';
import { PositionFile, readPosition } from './receiver-position.ts';
import { ReceiverSender, type SenderHealth, type SendRequest } from './receiver-sender.ts';
import type { Receiver } from './receiver.ts';
import { RemoteWriteMetrics } from './sender-metrics.ts';
import { TickQueue } from './tick-queue.ts';

export interface RemoteWriteOptions {
  /** Its own; made when it is not there. */
  readonly directory: string;
  readonly receivers: readonly Receiver[];
  /** Added to every series; what a series says itself wins. */
  readonly commonLabels: Labels;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly send: SendRequest;
  readonly maxQueueBytes?: number;
  readonly maxQueueAgeMs?: number;
  readonly maxSamplesPerRequest?: number;
  /** Samples wait for others to go with, but not longer than this. */
  readonly maxWaitMs?: number;
  /** For the last samples, when it is stopped. */
  readonly drainMs?: number;
}

export interface RemoteWriteHealth {
  readonly queueBytes: number;
  /** Why the last tick could not be written to the queue; undefined when it could. */
  readonly writeError: string | undefined;
  readonly receivers: readonly SenderHealth[];
}

const DEFAULT_MAX_BYTES = 512 * MIB;
const DEFAULT_MAX_AGE_MS = 24 * 60 * MINUTE_MS;
const DEFAULT_MAX_SAMPLES = 5000;
const DEFAULT_MAX_WAIT_MS = 5 * SECOND_MS;
const DEFAULT_DRAIN_MS = 3 * SECOND_MS;
const POSITION_NAME = /^receiver-(.+)\.position$/;

export class RemoteWrite implements AsyncDisposable {
  readonly #options: RemoteWriteOptions;
  readonly #queue: TickQueue;
  readonly #stack = new DisposableStack();
  readonly #stopping = new AbortController();
  readonly #running: readonly {
    readonly sender: ReceiverSender;
    readonly reader: QueueReader;
    readonly ended: Promise<void>;
  }[];

  constructor(options: RemoteWriteOptions) {
    this.#options = options;
    const { directory, receivers, metrics, clock, log } = options;
    using stack = new DisposableStack();
    this.#queue = stack.use(
      TickQueue.open({
        directory,
        clock,
        log,
        maxBytes: options.maxQueueBytes ?? DEFAULT_MAX_BYTES,
        maxAgeMs: options.maxQueueAgeMs ?? DEFAULT_MAX_AGE_MS,
      }),
    );
    forgetOthers(directory, receivers);
    const shown = new RemoteWriteMetrics(metrics);
    const prepared = receivers.map((receiver) => this.#prepare(receiver, shown, stack));
    this.#running = prepared.map(({ sender, reader }) => ({
      sender,
      reader,
      ended: sender.run(this.#stopping.signal),
    }));
    stack.use(metrics.onCollect(() => shown.show(this.#queue, this.health().receivers)));
    stack.use(this.#queue.onAppend(() => this.#notify()));
    this.#stack = stack.move();
  }

  /** For the sampler. Never throws, never waits. */
  onTick(tick: Pick<CompletedTick, 'atMs'>, table: SampleTable): void {
    if (this.#running.length > 0) this.#queue.append(tick.atMs, table);
  }

  health(): RemoteWriteHealth {
    return {
      queueBytes: this.#queue.bytes,
      writeError: this.#queue.writeError,
      receivers: this.#running.map(({ sender }) => sender.health()),
    };
  }

  /** Sends what is left, if the receivers take it at once; the rest waits for the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, drainMs = DEFAULT_DRAIN_MS } = this.#options;
    using _timer = clock.after(drainMs, () => this.#stopping.abort());
    for (const { sender } of this.#running) sender.drain();
    await Promise.all(this.#running.map(({ ended }) => ended));
    this.#stopping.abort();
    this.#stack.dispose();
  }

  #prepare(receiver: Receiver, shown: RemoteWriteMetrics, stack: DisposableStack) {
    const { directory, commonLabels, clock, log, send } = this.#options;
    const path = join(directory, `receiver-${receiver.name}.position`);
    const metrics = shown.forReceiver(receiver.name);
    const start = this.#startOf(receiver, path);
    const reader = stack.use(
      new QueueReader(this.#queue, start, (samples) => metrics.count('dropped', samples)),
    );
    const position = stack.use(new PositionFile(path, log));
    // From now on what comes is kept for it, also while it cannot be reached.
    position.save(reader.position);
    const sender = new ReceiverSender({
      receiver,
      commonLabels,
      reader,
      position,
      metrics,
      clock,
      log,
      send,
      maxSamplesPerRequest: this.#options.maxSamplesPerRequest ?? DEFAULT_MAX_SAMPLES,
      maxWaitMs: this.#options.maxWaitMs ?? DEFAULT_MAX_WAIT_MS,
      onAcknowledge: () => this.#release(),
    });
    return { sender, reader };
  }

  /** A new receiver is sent what comes; one that has lost its place, everything there is. */
  #startOf(receiver: Receiver, path: string): QueuePosition {
    const position = readPosition(path);
    const newest = this.#queue.segments.at(-1);
    const now = { segment: newest?.number ?? 1, offset: newest?.bytes ?? 0 };
    if (position === 'none') return now;
    // Somebody has deleted segments, and their numbers begin anew.
    if (position !== 'unreadable') return position.segment > now.segment ? now : position;
    this.#options.log.warn(
      { receiver: receiver.name },
      "a receiver's position is unreadable; it is sent the whole queue",
    );
    return { segment: 0, offset: 0 };
  }

  #notify(): void {
    for (const { sender } of this.#running) sender.notify();
  }

  #release(): void {
    this.#queue.release(Math.min(...this.#running.map(({ reader }) => reader.position.segment)));
  }
}

/** Who is no receiver any more must not find an old position when it comes back. */
function forgetOthers(directory: string, receivers: readonly Receiver[]): void {
  const names = new Set(receivers.map(({ name }) => name));
  for (const file of readdirSync(directory)) {
    const name = POSITION_NAME.exec(file)?.[1];
    if (name !== undefined && !names.has(name)) unlinkSync(join(directory, file));
  }
}
