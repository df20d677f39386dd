/** A clock that stands still until a test moves it. Due timers fire in order of their instant. */
import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly id: number;
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly call: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #nextId = 1;
  readonly #pending = new Map<number, Pending>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** How many timers wait; a test that leaks one can tell. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) {
      reject(asError(signal.reason));
      return promise;
    }
    const onAbort = () => {
      timer.cancel();
      reject(asError(signal?.reason));
    };
    const timer = this.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  }

  after(ms: number, call: () => void): Timer {
    return this.#arm(ms, undefined, call);
  }

  every(ms: number, call: () => void): Timer {
    return this.#arm(ms, ms, call);
  }

  /** Moves time on, firing what falls due, and lets promise callbacks run between timers. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#monotonicMs + ms;
    for (;;) {
      await settle();
      const next = this.#earliest();
      if (next === undefined || next.dueMs > targetMs) break;
      this.#moveTo(next.dueMs);
      if (next.everyMs === undefined) this.#pending.delete(next.id);
      else next.dueMs += next.everyMs;
      next.call();
    }
    this.#moveTo(targetMs);
    await settle();
  }

  /** The operator sets the wall clock: timers do not notice, timestamps do. */
  jumpWallClock(ms: number): void {
    this.#nowMs += ms;
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #earliest(): Pending | undefined {
    let earliest: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (earliest === undefined || pending.dueMs < earliest.dueMs) earliest = pending;
    }
    return earliest;
  }

  #arm(ms: number, everyMs: number | undefined, call: () => void): Timer {
    const id = this.#nextId++;
    this.#pending.set(id, { id, dueMs: this.#monotonicMs + ms, everyMs, call });
    const cancel = () => {
      this.#pending.delete(id);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }
}

function settle(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
