/**
 * One stream of events for any number of readers.
 *
 *   nobody ── join ──▶ running ── the last one leaves ──▶ nobody
 *                         └────────── end ──────────▶ over
 *
 * What always holds:
 * - Timers run while somebody reads, and then exactly one for events and one for heartbeats.
 * - An event is written out once, however many readers there are.
 * - A reader who has not taken what it was given before gets nothing more until it has: it misses
 *   events, and what is kept for it never exceeds one of them.
 * - Whoever joins is told how things stand at once, and then with all the others.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';

/** The answer of a reader: Node's response of HTTP/1.1 or HTTP/2. */
export interface EventReader {
  /** What was written and is still kept, in bytes. */
  readonly writableLength: number;
  write(bytes: Buffer): unknown;
  end(): unknown;
  once(event: 'close', call: () => void): unknown;
}

export interface BroadcastOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly heartbeatMs: number;
  readonly maxReaders: number;
  /** The data of an event: how things stand now, in one line. */
  readonly read: () => string;
}

const HEARTBEAT = Buffer.from(': ping\n\n');
const RETRY_AFTER_SECONDS = '5';

export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #readers = new Set<EventReader>();
  #timers: readonly Timer[] = [];
  #isOver = false;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** To be asked before the answer begins, while it can still be a refusal. */
  assertRoom(): void {
    const { maxReaders } = this.#options;
    if (this.#readers.size < maxReaders) return;
    throw new DroverError(
      'unavailable',
      `${maxReaders} clients follow this stream already, which is the most; try again shortly`,
      { reason: 'TOO_MANY_STREAMS', metadata: { retry_after_seconds: RETRY_AFTER_SECONDS } },
    );
  }

  /** Until it closes. */
  join(reader: EventReader): void {
    reader.write(this.#writeEvent());
    if (this.#isOver) {
      reader.end();
      return;
    }
    this.#readers.add(reader);
    reader.once('close', () => this.#leave(reader));
    if (this.#readers.size === 1) this.#start();
  }

  /** Ends every stream, and those that still join after their first event. */
  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
    this.#stop();
  }

  #start(): void {
    const { clock, intervalMs, heartbeatMs } = this.#options;
    this.#timers = [
      clock.every(intervalMs, () => this.#send(this.#writeEvent())),
      clock.every(heartbeatMs, () => this.#send(HEARTBEAT)),
    ];
  }

  #leave(reader: EventReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  #send(bytes: Buffer): void {
    for (const reader of this.#readers) {
      if (reader.writableLength === 0) reader.write(bytes);
    }
  }

  #writeEvent(): Buffer {
    return Buffer.from(`data: ${this.#options.read()}\n\n`);
  }
}
