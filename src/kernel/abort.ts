/** Joins process signals, deadlines and disconnects into the one signal a call obeys. */
import type { Clock } from './clock.ts';
import { DroverError } from './errors.ts';

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that aborts with `deadline_exceeded` after `ms`, or with the parent's reason. A listener
 * of our own, taken away on disposal, costs a tenth of `AbortSignal.any`, and this is made for
 * every request.
 */
export function openDeadline(
  clock: Clock,
  ms: number,
  what: string,
  parent?: AbortSignal,
): Deadline {
  const controller = new AbortController();
  const onParent = () => controller.abort(parent?.reason);
  if (parent?.aborted === true) onParent();
  parent?.addEventListener('abort', onParent, { once: true });
  const timer = clock.after(ms, () =>
    controller.abort(
      new DroverError('deadline_exceeded', `${what} took longer than ${ms} ms`, {
        reason: 'DEADLINE_EXCEEDED',
      }),
    ),
  );
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      timer.cancel();
      parent?.removeEventListener('abort', onParent);
    },
  };
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
