/**
 * One who follows over a WebSocket.
 *
 *   joining ── its first messages ──▶ following ⇄ behind ── for too long, by too much ──▶ dropped
 *
 * What always holds:
 * - What is told while it joins comes after its first messages.
 * - While it takes nothing only the newest message of each key is kept for it. So what it gets
 *   later is how things stand, and what is kept is bounded by how many things there are.
 * - Who is not heard of for a minute is gone.
 */
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { LiveBatch } from './live-batch.ts';

const MOST_BUFFERED = MIB / 4;
const MOST_KEPT = 5000;
const LONGEST_BEHIND_MS = 30 * SECOND_MS;
const LONGEST_SILENCE_MS = 60 * SECOND_MS;

export type LiveEvent = 'pong' | 'message' | 'close' | 'error';

/** The part of a WebSocket that is used here. */
export interface LiveSocket {
  /** What was sent and not yet taken, in bytes. */
  readonly bufferedAmount: number;
  send(text: string): void;
  sendAll(batch: LiveBatch): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  /** What came with a message is a Buffer. */
  on(event: LiveEvent, call: (data: unknown) => void): unknown;
}

export class LiveClient {
  readonly #socket: LiveSocket;
  readonly #kept = new Map<string, string>();
  #isJoining = true;
  #behindSince: number | undefined;
  #heardAt: number;

  constructor(socket: LiveSocket, nowMs: () => number) {
    this.#socket = socket;
    this.#heardAt = nowMs();
    this.#behindSince = this.#heardAt;
    const hear = () => {
      this.#heardAt = nowMs();
    };
    socket.on('pong', hear);
    // What it says is for others; here only that it does.
    socket.on('message', hear);
    // The connection closes after an error, which is all there is to do about it.
    socket.on('error', () => undefined);
  }

  begin(first: readonly string[]): void {
    for (const text of first) this.#socket.send(text);
    this.#isJoining = false;
    this.#flush();
  }

  /** A later message with the same key stands for this one. */
  tell(key: string, text: string): void {
    if (this.#canTake && this.#kept.size === 0) this.#socket.send(text);
    else this.#keep(key, text);
  }

  /** What it does not take is kept, by message. */
  tellAll(batches: readonly LiveBatch[]): void {
    for (const batch of batches) {
      if (this.#canTake && this.#kept.size === 0) {
        this.#socket.sendAll(batch);
        continue;
      }
      for (const { key, text } of batch.messages) this.#keep(key, text);
      if (batch.hasPing) this.#socket.ping();
    }
  }

  /** To be called every now and then. */
  look(nowMs: number): void {
    this.#flush();
    if (this.#kept.size === 0 && !this.#isJoining) this.#behindSince = undefined;
    else this.#behindSince ??= nowMs;
    const isBehind = nowMs - (this.#behindSince ?? nowMs) > LONGEST_BEHIND_MS;
    const isSilent = nowMs - this.#heardAt > LONGEST_SILENCE_MS;
    if (isBehind || isSilent || this.#kept.size > MOST_KEPT) this.#socket.terminate();
  }

  ping(): void {
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  get #canTake(): boolean {
    return !this.#isJoining && this.#socket.bufferedAmount <= MOST_BUFFERED;
  }

  #keep(key: string, text: string): void {
    this.#kept.delete(key);
    this.#kept.set(key, text);
  }

  #flush(): void {
    if (this.#kept.size === 0) return;
    for (const [key, text] of this.#kept) {
      if (!this.#canTake) return;
      this.#kept.delete(key);
      this.#socket.send(text);
    }
  }
}
