/**
 * The pool of workers. Requests go to apps, tasks to the platform's own threads, and both to the
 * workers of their key; what the pool decides is written down where it is decided:
 *
 * - app-pool.ts: what runs where, and what happens to it when a worker ends
 * - scaling.ts, recycler.ts, start-backoff.ts: how many workers an app has, and which
 * - shared-room.ts, capacity.ts: which app gets the next worker, and which one has to go
 * - app-upkeep.ts, memory-watch.ts: limits of time and memory
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { randomFraction } from '#kernel/random.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { AnswerHandler, Exchange, RequestHead } from '#workers/exchange.ts';
import type { Egress, MemberLauncher } from '#workers/member.ts';
import type { PoolSettings } from '#workers/pool-settings.ts';
import { TASKS_KEY, type AppKey, type Isolation, type WorkerApp } from '#workers/worker-app.ts';
import type { AppView, EndReason, PoolCounts, WorkerView } from '#workers/worker-view.ts';
import { AppPool } from './app-pool.ts';
import { checkTimes, lookAfter } from './app-upkeep.ts';
import { Capacity } from './capacity.ts';
import { Chain } from './chain.ts';
import { Ledger } from './ledger.ts';
import { MemoryWatch } from './memory-watch.ts';
import { appNotFound, shuttingDown } from './pool-errors.ts';
import { PoolMetrics } from './pool-metrics.ts';
import type { PoolParts } from './pool-parts.ts';
import type { PoolWorker } from './pool-worker.ts';
import { refusedExchange } from '#workers/wire/refused-exchange.ts';
import { RequestWork } from './request-work.ts';
import { SharedRoom } from './shared-room.ts';
import { TaskWork, type TaskName, type TaskOptions } from './task-work.ts';
import { TerminatedWorkers } from './terminated-workers.ts';

/** How late a limit of time may be noticed. */
const TICK_MS = SECOND_MS / 10;

export interface WorkerPoolOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly launchers: Readonly<Record<Isolation, MemberLauncher>>;
  readonly egress: Egress;
  readonly settings: PoolSettings;
  /** What apps write, and what their owners should know of their workers. */
  readonly onOutput: (app: AppKey, stream: 'stdout' | 'stderr', line: string) => void;
  /** From 0 to 1; a test makes it predictable. */
  readonly chance?: () => number;
}

export class WorkerPool implements AsyncDisposable {
  readonly #parts: PoolParts;
  readonly #settings: PoolSettings;
  readonly #room: SharedRoom;
  readonly #apps = new Map<AppKey, AppPool>();
  /** No longer admitted, and not yet gone. */
  readonly #closing = new Set<AppPool>();
  /** Members on their way out. */
  readonly #leaving = new Set<Promise<string>>();
  readonly #terminated = new TerminatedWorkers();
  readonly #memory: MemoryWatch;
  readonly #metrics: PoolMetrics;
  readonly #timer: Timer;
  #lastLookAt: number;
  #draining: Promise<void> | undefined;

  constructor({ metrics, settings, chance, ...given }: WorkerPoolOptions) {
    const { clock } = given;
    this.#settings = settings;
    this.#parts = {
      ...given,
      chance: chance ?? randomFraction,
      ledger: new Ledger(),
      capacity: new Capacity(settings),
      idle: new Chain(),
      dismiss: (worker, how) => this.#dismiss(worker, how.isFriendly, how.error),
    };
    this.#room = new SharedRoom(this.#parts, settings.warm);
    this.#memory = new MemoryWatch(this.#parts);
    this.#metrics = new PoolMetrics(metrics, {
      clock,
      apps: () => this.#allApps(),
      warm: this.#room.warm,
      waiting: () => this.#room.waiting,
    });
    this.#lastLookAt = clock.monotonicMs();
    this.#timer = clock.every(TICK_MS, () => this.#tick());
  }

  /** Its workers start when there is work, or at once if it wants some always. */
  admit(app: WorkerApp): void {
    if (this.#draining !== undefined) throw shuttingDown();
    if (this.#apps.has(app.key)) {
      throw new DroverError('already_exists', `${app.key} is admitted already: retire it first`, {
        reason: 'APP_ALREADY_ADMITTED',
      });
    }
    const pool = new AppPool(this.#parts, this.#room, app);
    this.#apps.set(app.key, pool);
    this.#updateWarm();
    this.#room.want(pool);
  }

  /**
   * Nothing new is taken for it. What waits and what runs ends as it would have; resolves when
   * that is done and its workers are gone. Harmless for what is not admitted.
   */
  async retire(key: AppKey): Promise<void> {
    const app = this.#apps.get(key);
    if (app !== undefined) this.#close(app, 'removed');
    await Promise.all([...this.#closing].filter((each) => each.key === key).map(closedOf));
  }

  /** Never throws: why there is no answer comes by `onFail`, after this has returned. */
  fetch(
    key: AppKey,
    head: RequestHead,
    body: Uint8Array | undefined,
    handler: AnswerHandler,
  ): Exchange {
    const app = this.#apps.get(key);
    if (app === undefined) return refusedExchange(handler, this.#refusal(key));
    const work = new RequestWork(app, this.#parts.clock.monotonicMs(), { head, body, handler });
    app.submit(work);
    return work;
  }

  /** Runs an export of a module in a thread of the platform's own. */
  run<O>(task: TaskName, input: unknown, options: TaskOptions = {}): Promise<O> {
    const { key = TASKS_KEY } = options;
    const app = this.#apps.get(key);
    if (app === undefined) return Promise.reject(this.#refusal(key));
    const work = new TaskWork(app, this.#parts.clock.monotonicMs(), { task, input, options });
    app.submit(work);
    return work.answer as Promise<O>;
  }

  counts(): PoolCounts {
    const { active, idle, creating, total } = this.#parts.ledger;
    return { size: this.#settings.size, active, idle, creating, total };
  }

  /** Those that live, and those that ended within the last minute. */
  workers(): readonly WorkerView[] {
    const nowMs = this.#parts.clock.monotonicMs();
    const live = [...this.#liveWorkers()].map((worker) => worker.view(nowMs));
    return [...live, ...this.#terminated.list(nowMs)];
  }

  /** One for each key: what is left of an app that was admitted anew counts with the new one. */
  apps(): readonly AppView[] {
    const views = new Map<AppKey, AppView>();
    for (const app of this.#allApps()) {
      const view = app.view();
      const known = views.get(app.key);
      views.set(app.key, known === undefined ? view : sumOf(known, view));
    }
    return [...views.values()];
  }

  /**
   * Nothing new is taken from now on. Resolves when all that was taken has ended and no member is
   * left: within the limits of the apps, or at once when `cutOff` aborts.
   */
  async drain(cutOff?: AbortSignal): Promise<void> {
    const abandon = () => {
      for (const app of [...this.#closing]) app.abandon();
    };
    this.#draining ??= this.#drain();
    if (cutOff?.aborted === true) abandon();
    cutOff?.addEventListener('abort', abandon, { once: true });
    await this.#draining.finally(() => cutOff?.removeEventListener('abort', abandon));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #drain(): Promise<void> {
    for (const app of [...this.#apps.values()]) this.#close(app, 'shutdown');
    while (this.#closing.size > 0) await Promise.all([...this.#closing].map(closedOf));
    await Promise.all(this.#leaving);
    this.#timer.cancel();
    this.#metrics[Symbol.dispose]();
  }

  #close(app: AppPool, reason: EndReason): void {
    this.#apps.delete(app.key);
    this.#closing.add(app);
    void app.closed.then(() => {
      this.#closing.delete(app);
      this.#room.forget(app);
      this.#metrics.settle(app);
      const isNameUsed = [...this.#allApps()].some(({ key }) => key === app.key);
      if (!isNameUsed) this.#metrics.forget(app.key);
    });
    this.#updateWarm();
    app.close(reason);
  }

  #updateWarm(): void {
    const isWanted = [...this.#apps.values()].some(({ fitsWarm }) => fitsWarm);
    this.#room.warm.setWanted(isWanted);
    this.#room.serve();
  }

  #refusal(key: AppKey): DroverError {
    const isClosing = [...this.#closing].some((app) => app.key === key);
    return isClosing || this.#draining !== undefined ? shuttingDown() : appNotFound(key);
  }

  #dismiss(worker: PoolWorker, isFriendly: boolean, error: DroverError): Promise<string> {
    const { capacity, clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    capacity.promiseLeave(worker.id);
    this.#terminated.add(worker.view(nowMs), nowMs);
    const leaving = worker.leave(isFriendly, error).catch((thrown: unknown) => {
      log.error({ worker: worker.id, error: thrown }, 'a worker could not be ended');
      return error.message;
    });
    const left = leaving.then((how) => {
      capacity.release(worker.id);
      this.#leaving.delete(left);
      return how;
    });
    this.#leaving.add(left);
    return left;
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const app of this.#allApps()) checkTimes(app, nowMs);
    if (nowMs - this.#lastLookAt < SECOND_MS) return;
    this.#lastLookAt = nowMs;
    const apps = [...this.#allApps()];
    for (const app of apps) {
      lookAfter(app, nowMs);
      for (const worker of app.workers) this.#memory.look(app, worker, nowMs);
    }
    for (const worker of this.#room.warm.workers) this.#memory.look(undefined, worker, nowMs);
    this.#room.look(apps);
    this.#terminated.forget(nowMs);
  }

  *#allApps(): Generator<AppPool> {
    yield* this.#apps.values();
    yield* this.#closing;
  }

  *#liveWorkers(): Generator<PoolWorker> {
    yield* this.#room.warm.workers;
    for (const app of this.#allApps()) yield* app.workers;
  }
}

function closedOf(app: AppPool): Promise<void> {
  return app.closed;
}

function sumOf(now: AppView, rest: AppView): AppView {
  return {
    ...now,
    active: now.active + rest.active,
    idle: now.idle + rest.idle,
    creating: now.creating + rest.creating,
    inFlight: now.inFlight + rest.inFlight,
    queued: now.queued + rest.queued,
    requests: now.requests + rest.requests,
  };
}
