/** Joins process signals, deadlines and disconnects into the one signal a call obeys. */
import type { Clock } from './clock.ts';
import { DroverError } from './errors.ts';

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts with `deadline_exceeded` after `ms`, or with the parent's reason. */
export function openDeadline(
  clock: Clock,
  ms: number,
  what: string,
  parent?: AbortSignal,
): Deadline {
  const controller = new AbortController();
  const timer = clock.after(ms, () =>
    controller.abort(
      new DroverError('deadline_exceeded', `${what} took longer than ${ms} ms`, {
        reason: 'DEADLINE_EXCEEDED',
      }),
    ),
  );
  const signal =
    parent === undefined ? controller.signal : AbortSignal.any([controller.signal, parent]);
  return { signal, [Symbol.dispose]: () => timer.cancel() };
}

/** Waits for a promise, but not past the signal. The promise itself goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody may be left to hear how the promise ends; that is no unhandled rejection.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
