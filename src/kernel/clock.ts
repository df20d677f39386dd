/**
 * Time as a parameter. Production passes `systemClock`; tests pass `FakeClock` and advance it.
 * This is the one place that reads the wall clock or arms a timer.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Timer extends Disposable {
  /** Stops the timer; harmless when it has fired. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since 1970. It can jump; use `monotonicMs` to measure. */
  nowMs(): number;
  /** Never goes back, has no meaning across restarts. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls once. The timer alone does not keep the process alive. */
  after(ms: number, call: () => void): Timer;
  /** Calls again and again, first after one interval. It does not keep the process alive. */
  every(ms: number, call: () => void): Timer;
}

function disposableTimer(cancel: () => void): Timer {
  return { cancel, [Symbol.dispose]: cancel };
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
  after(ms, call) {
    const handle = setTimeout(call, ms);
    handle.unref();
    return disposableTimer(() => clearTimeout(handle));
  },
  every(ms, call) {
    const handle = setInterval(call, ms);
    handle.unref();
    return disposableTimer(() => clearInterval(handle));
  },
};

/**
 * Timers and idle sockets do not keep a process alive, so that nothing forgotten can. Whoever has
 * work to finish says so with this, and the process lives until it is disposed.
 */
export function holdProcess(): Disposable {
  const handle = setInterval(() => undefined, 2 ** 30);
  return { [Symbol.dispose]: () => clearInterval(handle) };
}

/** `2026-01-31T12:00:00.000Z`, the one way instants are written in answers. */
export function toIsoTime(ms: number): string {
  return new Date(ms).toISOString();
}
