/**
 * Starts a worker of an app: launches a member unless there is a warm one, and has it load the app.
 *
 *   [a start slot: launch] ─▶ bind, specialise ─▶ started
 *
 * The slot is given back when the member is there, before the app loads: what an app does when it
 * is loaded may take long, and must not keep other apps from starting.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { WorkerApp } from '#workers/worker-app.ts';
import type { PoolParts } from './pool-parts.ts';
import type { PoolWorker } from './pool-worker.ts';

/** Resolves when the app is loaded; rejects with why it is not. The caller ends the worker then. */
export async function startWorker(
  parts: PoolParts,
  worker: PoolWorker,
  app: WorkerApp,
  onLaunched: (() => void) | undefined,
): Promise<void> {
  const { binding, isolation, limits } = app;
  using deadline = openDeadline(parts.clock, limits.startTimeoutMs, 'the start');
  if (onLaunched !== undefined) {
    const launcher = parts.launchers[isolation];
    const { maxMemoryBytes } = limits;
    const needsOwn = binding !== undefined && launcher.needsOwnStart(binding, maxMemoryBytes);
    const request = { launcher, binding: needsOwn ? binding : undefined, maxMemoryBytes };
    try {
      await worker.launch(request, deadline.signal);
    } finally {
      onLaunched();
    }
  }
  if (worker.state === 'terminated') return;
  if (binding !== undefined) {
    await worker.specialise(binding, parts.egress.answererFor(binding), deadline.signal);
  }
  await worker.assertAlive();
}

/** Whether a generic worker can become one of this app. */
export function fitsWarm(
  { launchers }: PoolParts,
  { isolation, binding, limits }: WorkerApp,
): boolean {
  if (isolation !== 'process' || binding === undefined) return false;
  return !launchers.process.needsOwnStart(binding, limits.maxMemoryBytes);
}
