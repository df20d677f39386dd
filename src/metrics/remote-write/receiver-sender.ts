/**
 * Brings the queue to one receiver, one request at a time, in order:
 *
 *   idle → [enough samples, or old enough] → batch → request ─ accepted → acknowledge → idle
 *                                               ↑        ├─── retry ──→ wait, the same again
 *                                               └─ half ─┴─── refused → given up, counted
 *
 * Who cannot know whether a request arrived (a cut connection, a kill) sends it again. A receiver
 * that has it refuses it, and with it whatever else is in the request. A refused batch is
 * therefore divided until the part that is refused is one tick: so nothing is given up that the
 * receiver lacks. A receiver that refuses every part is not asked twice about the next batch.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { compress } from 'snappyjs';
import { mergeLabels, type Labels } from '#metrics/labels.ts';
import type { QueueReader, TickBatch } from './queue-reader.ts';
import type { PositionFile } from './receiver-position.ts';
import type { Receiver } from './receiver.ts';
import {
  isDivisible,
  judge,
  retryAfterMs,
  waitBeforeRetry,
  type ReceiverAnswer,
} from './send-outcome.ts';
import type { SenderMetrics } from './sender-metrics.ts';
import type { SeriesDefinition } from './tick-record.ts';
import { encodeLabels, encodeWriteRequests, type WriteRequest } from './write-request.ts';

/** Sends a compressed body; throws when there is no answer. */
export type SendRequest = (
  receiver: Receiver,
  body: Uint8Array,
  signal: AbortSignal,
) => Promise<ReceiverAnswer>;

export interface SenderOptions {
  readonly receiver: Receiver;
  readonly commonLabels: Labels;
  readonly reader: QueueReader;
  readonly position: PositionFile;
  readonly metrics: SenderMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: SendRequest;
  readonly maxSamplesPerRequest: number;
  /** Samples wait for others to go with, but not longer than this. */
  readonly maxWaitMs: number;
  readonly onAcknowledge: () => void;
}

export interface SenderHealth {
  readonly receiver: string;
  readonly pendingSamples: number;
  readonly pendingBytes: number;
  /** Of the oldest tick that the receiver has not taken; 0 when it has all. */
  readonly oldestPendingMs: number;
  readonly lastSuccessAt: number | undefined;
  /** Why it does not take samples at present. */
  readonly problem: string | undefined;
}

const MOST_TICKS_PER_REQUEST = 120;
const MOST_TEXT = 256;

type BatchPart = Pick<TickBatch, 'definitions' | 'ticks'>;

/** Samples of a batch. */
interface Tally {
  accepted: number;
  refused: number;
}

export class ReceiverSender {
  readonly #options: SenderOptions;
  readonly #labels = new WeakMap<SeriesDefinition, { readonly bytes: Uint8Array | undefined }>();
  #wake: (() => void) | undefined;
  #isDraining = false;
  #mayDivide = true;
  #unacknowledgedAtMs: number | undefined;
  #lastSuccessAt: number | undefined;
  #problem: string | undefined;
  #refusalLoggedAtMs = -Infinity;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Until the signal, or until everything is sent once `drain` has been called. */
  async run(signal: AbortSignal): Promise<void> {
    let isBehind = false;
    while (!signal.aborted) {
      if (!isBehind) await this.#untilDue(signal);
      if (signal.aborted) return;
      const { reader, maxSamplesPerRequest } = this.#options;
      const batch = reader.nextBatch({
        maxSamples: maxSamplesPerRequest,
        maxTicks: MOST_TICKS_PER_REQUEST,
      });
      // More would have fitted in, so it was not the limit on samples that kept it out.
      const next = reader.peek();
      const samples = (batch?.samples ?? 0) + (next?.samples ?? 0);
      isBehind = next !== undefined && samples <= maxSamplesPerRequest;
      if (batch !== undefined) {
        if (!(await this.#deliver(batch, signal))) return;
      } else if (this.#isDraining) {
        return;
      }
    }
  }

  /** There is more in the queue. */
  notify(): void {
    this.#wake?.();
  }

  /** What is left is sent without waiting for more, and without trying again. */
  drain(): void {
    this.#isDraining = true;
    this.#wake?.();
  }

  health(): SenderHealth {
    const { receiver, reader, clock } = this.#options;
    const { pendingSamples, pendingBytes } = reader;
    const oldestAtMs = this.#unacknowledgedAtMs ?? reader.peek()?.atMs;
    return {
      receiver: receiver.name,
      pendingSamples,
      pendingBytes,
      oldestPendingMs: oldestAtMs === undefined ? 0 : Math.max(0, clock.nowMs() - oldestAtMs),
      lastSuccessAt: this.#lastSuccessAt,
      problem: this.#problem,
    };
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { reader, clock, maxSamplesPerRequest, maxWaitMs } = this.#options;
    let timer: Timer | undefined;
    let isTime = false;
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted && !this.#isDraining && !isTime) {
        const isWaiting = reader.peek() !== undefined;
        if (isWaiting && reader.pendingSamples >= maxSamplesPerRequest) return;
        if (isWaiting) {
          timer ??= clock.after(maxWaitMs, () => {
            isTime = true;
            wake();
          });
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    } finally {
      this.#wake = undefined;
      timer?.cancel();
      signal.removeEventListener('abort', wake);
    }
  }

  /** False when it had to stop first: the batch is for the next start. */
  async #deliver(batch: TickBatch, signal: AbortSignal): Promise<boolean> {
    const { reader, position, onAcknowledge, metrics, log, receiver } = this.#options;
    const tally: Tally = { accepted: 0, refused: 0 };
    this.#unacknowledgedAtMs = batch.ticks[0]?.atMs;
    try {
      if (!(await this.#deliverPart(batch, tally, signal))) return false;
    } catch (thrown) {
      // Whatever cannot be encoded now cannot be later; the batches after it can.
      metrics.count('dropped', batch.samples);
      log.error({ receiver: receiver.name, error: thrown }, 'samples could not be sent');
    }
    this.#mayDivide = tally.accepted > 0 || tally.refused === 0;
    this.#unacknowledgedAtMs = undefined;
    reader.acknowledge(batch);
    position.save(reader.position);
    onAcknowledge();
    return true;
  }

  async #deliverPart(part: BatchPart, tally: Tally, signal: AbortSignal): Promise<boolean> {
    const { definitions, ticks } = part;
    const maxSamples = this.#options.maxSamplesPerRequest;
    const labelsOf = (definition: SeriesDefinition) => this.#labelsOf(definition);
    for (const request of encodeWriteRequests({ definitions, ticks, labelsOf, maxSamples })) {
      const answer = await this.#sendUntilJudged(request, signal);
      if (answer === undefined) return false;
      if (judge(answer.status) === 'accepted') {
        tally.accepted += request.samples;
        this.#options.metrics.count('sent', request.samples);
      } else if (ticks.length > 1 && this.#mayDivide && isDivisible(answer.status)) {
        return await this.#deliverHalves(part, tally, signal);
      } else {
        tally.refused += request.samples;
        this.#giveUp(request, answer);
      }
    }
    return true;
  }

  /** In order: a receiver takes no sample that is older than one it has. */
  async #deliverHalves(part: BatchPart, tally: Tally, signal: AbortSignal): Promise<boolean> {
    const { definitions, ticks } = part;
    const middle = ticks.length >>> 1;
    for (const half of [ticks.slice(0, middle), ticks.slice(middle)]) {
      const isDone = await this.#deliverPart({ definitions, ticks: half }, tally, signal);
      if (!isDone) return false;
    }
    return true;
  }

  /** The first answer that is not `retry`; undefined when it had to stop first. */
  async #sendUntilJudged(
    request: WriteRequest,
    signal: AbortSignal,
  ): Promise<ReceiverAnswer | undefined> {
    const { clock, metrics } = this.#options;
    const body = compress(request.body);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const answer = await this.#send(body, signal);
      if (signal.aborted) return undefined;
      const status = typeof answer === 'string' ? undefined : answer.status;
      metrics.countRequest(status);
      if (typeof answer !== 'string' && judge(answer.status) !== 'retry') {
        this.#succeed();
        return answer;
      }
      const isAnswer = typeof answer !== 'string';
      this.#fail(isAnswer ? `it answers ${answer.status} ${excerpt(answer.text)}` : answer);
      // It may have arrived all the same, and be refused when it comes again.
      this.#mayDivide = true;
      if (this.#isDraining) return undefined;
      const asked = isAnswer ? retryAfterMs(answer.retryAfter, clock.nowMs()) : undefined;
      await this.#pause(asked ?? waitBeforeRetry(attempt), signal);
    }
    return undefined;
  }

  /** The answer, or why there is none. */
  async #send(body: Uint8Array, signal: AbortSignal): Promise<ReceiverAnswer | string> {
    const { receiver, send, clock } = this.#options;
    using deadline = openDeadline(clock, receiver.timeoutMs, 'a remote write request', signal);
    try {
      return await send(receiver, body, deadline.signal);
    } catch (thrown) {
      return thrown instanceof Error ? excerpt(thrown.message) : 'there is no answer';
    }
  }

  /** A drain does not wait for the next try. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const stop = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(ms, stop.resolve);
    const onAbort = () => stop.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    let isOver: boolean;
    do {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      isOver = await Promise.race([
        stop.promise.then(() => true),
        woken.promise.then(() => this.#isDraining),
      ]);
    } while (!isOver);
    this.#wake = undefined;
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }

  #labelsOf(definition: SeriesDefinition): Uint8Array | undefined {
    const known = this.#labels.get(definition);
    if (known !== undefined) return known.bytes;
    const { receiver, commonLabels } = this.#options;
    const isKept = receiver.keep?.test(definition.name) ?? true;
    const added = mergeLabels(commonLabels, receiver.labels);
    const bytes = isKept ? encodeLabels(definition, added) : undefined;
    this.#labels.set(definition, { bytes });
    return bytes;
  }

  #giveUp(request: WriteRequest, { status, text }: ReceiverAnswer): void {
    const { metrics, clock, log, receiver } = this.#options;
    const { samples } = request;
    metrics.count('refused', samples);
    if (clock.monotonicMs() - this.#refusalLoggedAtMs < MINUTE_MS) return;
    this.#refusalLoggedAtMs = clock.monotonicMs();
    const fields = { receiver: receiver.name, status, samples, answer: excerpt(text) };
    log.warn(fields, 'a receiver refuses samples; they are given up');
  }

  #fail(problem: string): void {
    const { log, receiver } = this.#options;
    if (this.#problem === undefined) {
      log.warn({ receiver: receiver.name, problem }, 'a receiver takes no samples; they wait');
    }
    this.#problem = problem;
  }

  #succeed(): void {
    const { log, receiver, clock, reader } = this.#options;
    if (this.#problem !== undefined) {
      const { pendingSamples } = reader;
      const fields = { receiver: receiver.name, pending_samples: pendingSamples };
      log.info(fields, 'a receiver takes samples again');
    }
    this.#problem = undefined;
    this.#lastSuccessAt = clock.nowMs();
  }
}

function excerpt(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, MOST_TEXT);
}
