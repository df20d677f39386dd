/** What a request is told that gets no answer of its app. All of these say when to come again. */
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { AppKey } from '#workers/worker-app.ts';

function unavailable(reason: string, message: string, retryAfterMs = SECOND_MS): DroverError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / SECOND_MS));
  return new DroverError('unavailable', message, {
    reason,
    metadata: { retryAfter: String(seconds) },
  });
}

export function queueFull(limit: number): DroverError {
  return unavailable('QUEUE_FULL', `${limit} requests are waiting already, which is the most`);
}

export function queueTimeout(ms: number): DroverError {
  return unavailable('QUEUE_TIMEOUT', `no worker was free within ${ms} ms`);
}

export function workerCrashed(why: string): DroverError {
  return unavailable('WORKER_CRASHED', `the worker of this request ended: ${why}`);
}

export function workerOutOfMemory(): DroverError {
  return unavailable('WORKER_OUT_OF_MEMORY', 'the worker of this request took too much memory');
}

export function requestTimeout(ms: number): DroverError {
  return new DroverError('deadline_exceeded', `there was no whole answer within ${ms} ms`, {
    reason: 'REQUEST_TIMEOUT',
  });
}

export function appFailing(message: string, retryAfterMs: number): DroverError {
  return unavailable('APP_FAILING', `the app does not start: ${message}`, retryAfterMs);
}

export function shuttingDown(): DroverError {
  return unavailable('SHUTTING_DOWN', 'it is being shut down and takes nothing new');
}

export function appNotFound(key: AppKey): DroverError {
  return new DroverError('not_found', `there is no app ${key}`, { reason: 'APP_NOT_FOUND' });
}

export function cancelled(): DroverError {
  return new DroverError('cancelled', 'it was cancelled');
}
