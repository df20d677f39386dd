/** What is looked after in an app by the clock: limits, idleness, drains. */
import { SECOND_MS } from '#kernel/units.ts';
import type { AppPool } from './app-pool.ts';
import type { Chain } from './chain.ts';
import { queueTimeout, requestTimeout, shuttingDown, workerCrashed } from './pool-errors.ts';
import type { PoolWorker } from './pool-worker.ts';
import type { Work } from './work.ts';

/** The hook onIdle is called after so long, once, until there is work again. */
const IDLE_HOOK_MS = 10 * SECOND_MS;

/**
 * Ten times a second: what has waited or run for too long. All of an app has the same time, so what
 * began first ends first, and only that has to be looked at.
 *
 * A worker whose request has no answer in time is ended: it may be in an endless loop. If the
 * answer has begun or the request has not ended, and the worker still reports, it may be the asker
 * who is slow: then only that request ends, or anybody could have workers ended.
 */
export function checkTimes(app: AppPool, nowMs: number): void {
  const { queueTimeoutMs, requestTimeoutMs } = app.app.limits;
  const late = due(app.queue, (work) => nowMs - work.queuedAt >= queueTimeoutMs);
  for (const work of late) work.fail(queueTimeout(queueTimeoutMs), 'queue-timeout');
  for (const work of due(app.running, (each) => nowMs - each.startedAt >= requestTimeoutMs)) {
    // Its worker may have been ended for another one meanwhile.
    if (!work.isDone) timeOut(app, work, nowMs);
  }
}

function due(chain: Chain<Work>, isDue: (work: Work) => boolean): readonly Work[] {
  const found: Work[] = [];
  for (const work of chain) {
    if (!isDue(work)) break;
    found.push(work);
  }
  return found;
}

function timeOut(app: AppPool, work: Work, nowMs: number): void {
  const { worker } = work;
  const error = requestTimeout(app.app.limits.requestTimeoutMs);
  if (worker === undefined || (work.isUpToAsker && worker.isReporting(nowMs))) {
    work.fail(error, 'timeout');
    return;
  }
  endTimedOut(app, worker, { work, error });
}

function endTimedOut(
  app: AppPool,
  worker: PoolWorker,
  culprit?: { readonly work: Work; readonly error: ReturnType<typeof requestTimeout> },
): void {
  const error = workerCrashed('another request on it took too long');
  app.end(worker, 'timeout', { error, outcome: 'crashed', ...(culprit && { culprit }) });
}

/** Every second. */
export function lookAfter(app: AppPool, nowMs: number): void {
  app.backoff.calm(nowMs);
  const utilizations: number[] = [];
  for (const worker of [...app.workers]) {
    if (worker.state === 'terminated') continue;
    lookAfterWorker(app, worker, nowMs);
    if (worker.isStaying && worker.state !== 'creating') {
      utilizations.push(worker.utilizationAt(nowMs));
    }
  }
  app.scaling.sample(utilizations);
  app.recycler.look(nowMs, app.backoff.failing === undefined);
  endSurplus(app, nowMs);
  if (nowMs >= app.closeUntil) {
    for (const work of [...app.openEnded]) work.fail(shuttingDown(), 'shutting-down');
  }
}

function lookAfterWorker(app: AppPool, worker: PoolWorker, nowMs: number): void {
  if (nowMs >= worker.drainUntil) {
    // Only what is open-ended can have stayed for so long.
    app.end(worker, worker.drainReason, { error: shuttingDown(), outcome: 'shutting-down' });
    return;
  }
  const { suspectSince } = worker;
  if (suspectSince !== undefined && nowMs - suspectSince >= app.app.limits.requestTimeoutMs) {
    endTimedOut(app, worker);
    return;
  }
  const isIdle = worker.inFlight === 0 && worker.state !== 'creating';
  const hookIsDue = isIdle && !worker.isToldIdle && nowMs - worker.idleSince >= IDLE_HOOK_MS;
  if (hookIsDue && app.app.binding !== undefined) worker.tellIdle();
}

function endSurplus(app: AppPool, nowMs: number): void {
  const worker = app.longestIdle;
  if (worker === undefined || nowMs - worker.idleSince < app.app.limits.idleTimeoutMs) return;
  if (!app.scaling.hasSurplus(app.load, nowMs)) return;
  app.scaling.changed(nowMs);
  app.drain(worker, 'idle');
}
