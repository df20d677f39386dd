/**
 * All who follow one feed over WebSockets.
 *
 *   nobody ── admit ──▶ somebody ── the last one leaves ──▶ nobody
 *
 * What always holds: there are never more than the limit, and whoever's connection ended is
 * forgotten.
 */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { LiveBatch } from './live-batch.ts';
import { LiveClient, type LiveSocket } from './live-client.ts';

const CLOSE_MS = SECOND_MS;
const GOING_AWAY = 1001;
const TRY_AGAIN = 1013;

export interface LiveAudienceOptions {
  readonly clock: Clock;
  readonly maxSockets: number;
  readonly onLeave: (client: LiveClient) => void;
}

export class LiveAudience {
  readonly #options: LiveAudienceOptions;
  readonly #clients = new Set<LiveClient>();

  constructor(options: LiveAudienceOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** To be asked while it can still be an answer of HTTP. */
  assertRoom(): void {
    const { maxSockets } = this.#options;
    if (this.#clients.size < maxSockets) return;
    throw new DroverError(
      'unavailable',
      `${maxSockets} clients follow already, which is the most; try again shortly`,
      { reason: 'TOO_MANY_SOCKETS', metadata: { retry_after_seconds: '5' } },
    );
  }

  /** Until it closes. Undefined when there is no room: then it was told so. */
  admit(socket: LiveSocket): LiveClient | undefined {
    const { clock, maxSockets, onLeave } = this.#options;
    const client = new LiveClient(socket, () => clock.monotonicMs());
    if (this.#clients.size >= maxSockets) {
      client.close(TRY_AGAIN, 'too many clients follow');
      return undefined;
    }
    this.#clients.add(client);
    socket.on('close', () => {
      this.#clients.delete(client);
      onLeave(client);
    });
    return client;
  }

  /** Written once for all; see `LiveClient` for the key. */
  tell(key: string, text: string, { hasPing = false } = {}): void {
    const batches = [new LiveBatch([{ key, text }], { hasPing })];
    for (const client of this.#clients) client.tellAll(batches);
  }

  /** To be called every now and then. */
  look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const client of this.#clients) client.look(nowMs);
  }

  ping(): void {
    for (const client of this.#clients) client.ping();
  }

  /** The server is going down: those who do not close by themselves are cut off. */
  end(): void {
    const clients = [...this.#clients];
    for (const client of clients) client.close(GOING_AWAY, 'the server is shutting down');
    this.#options.clock.after(CLOSE_MS, () => {
      for (const client of clients) client.terminate();
    });
  }
}
