/**
 * The workers of one app, the queue before them, and what runs in them.
 *
 *   submit ─▶ the least loaded worker that can take more, or else the queue ─▶ … ─▶ settle
 *
 * What always holds:
 * - Nothing waits while a worker could take it.
 * - What was handed to a worker fails with that worker; what waits in the queue does not.
 * - Books are kept before anybody is told: a caller may call back from within every callback.
 * - A worker in `OpenWorkers` is started, not draining, and has fewer in flight than it may.
 */
import { toDroverError, type DroverError } from '#kernel/errors.ts';
import type { AppKey, WorkerApp } from '#workers/worker-app.ts';
import type { AppView, EndReason } from '#workers/worker-view.ts';
import { AppMeter, type StartKind } from './app-meter.ts';
import { AppScaling, type Need } from './app-scaling.ts';
import { Chain, ChainNode } from './chain.ts';
import { endNote } from './end-notes.ts';
import { Ledger } from './ledger.ts';
import { OpenWorkers } from './open-workers.ts';
import { appFailing, queueFull, shuttingDown, workerCrashed } from './pool-errors.ts';
import type { PoolParts } from './pool-parts.ts';
import { PoolWorker, type WorkerOwner } from './pool-worker.ts';
import { Recycler } from './recycler.ts';
import type { AppLoad } from './scaling.ts';
import { StartBackoff } from './start-backoff.ts';
import type { Outcome, Work, WorkOwner } from './work.ts';
import { failAll, type Violence } from './violence.ts';
import { fitsWarm, startWorker } from './worker-start.ts';

/** Who has the room that all apps share. */
export interface Room {
  /** How many apps have a worker. */
  holders: number;
  /** The app may want a worker, or no longer. */
  want(app: AppPool): void;
  /** Something ended in this worker, which may have to make room for another app. */
  settled(app: AppPool, worker: PoolWorker): void;
}

/** `maxRequests` is missed by up to so much, so that workers do not all end together. */
const REQUESTS_JITTER = 0.1;

export class AppPool implements WorkerOwner, WorkOwner {
  readonly key: AppKey;
  readonly app: WorkerApp;
  /** Whether a generic worker can become one of it. */
  readonly fitsWarm: boolean;
  readonly ledger = new Ledger();
  readonly meter = new AppMeter();
  readonly recycler: Recycler;
  readonly scaling: AppScaling;
  readonly backoff: StartBackoff;
  /** Its place among the apps that wait for room. */
  readonly waitNode = new ChainNode<AppPool>(this);
  readonly workers = new Set<PoolWorker>();
  readonly queue = new Chain<Work>();
  /** In the order in which it began; what may take as long as it likes apart. */
  readonly running = new Chain<Work>();
  readonly openEnded = new Chain<Work>();
  /** When what is open-ended is cut off, of an app that closes. */
  closeUntil = Infinity;
  readonly #open: OpenWorkers;
  readonly #parts: PoolParts;
  readonly #room: Room;
  readonly #closed = Promise.withResolvers<void>();
  #staying = 0;
  #leaving = 0;
  #requests = 0;
  #isPumping = false;
  #closing: EndReason | undefined;

  constructor(parts: PoolParts, room: Room, app: WorkerApp) {
    const { concurrency } = app.limits;
    this.key = app.key;
    this.app = app;
    this.fitsWarm = fitsWarm(parts, app);
    this.#parts = parts;
    this.#room = room;
    this.#open = new OpenWorkers(concurrency, { looksAhead: app.binding === undefined });
    this.backoff = new StartBackoff(parts.chance);
    this.scaling = new AppScaling(app.limits, parts.clock.monotonicMs());
    this.recycler = new Recycler({
      hasEnough: () => this.scaling.isSatisfied(this.load),
      setAside: (worker) => this.#setAside(worker),
      drain: (worker, reason) => this.drain(worker, reason),
    });
  }

  /** Resolves when it was closed and nothing of it is left. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  get inFlight(): number {
    return this.running.length + this.openEnded.length;
  }

  get load(): AppLoad {
    const { concurrency, minWorkers, maxWorkers } = this.app.limits;
    return {
      inFlight: this.inFlight,
      queued: this.queue.length,
      have: this.#staying,
      creating: this.ledger.creating,
      concurrency,
      minWorkers: this.isClosing ? 0 : minWorkers,
      maxWorkers,
    };
  }

  /** Others may take its idle workers only if work waits and they have nobody. */
  get isAtFloor(): boolean {
    return !this.isClosing && this.#staying <= this.app.limits.minWorkers;
  }

  get longestIdle(): PoolWorker | undefined {
    return this.#open.longestIdle;
  }

  need(nowMs: number): Need {
    if (this.backoff.waitMs(nowMs) > 0) return 'none';
    const need = this.scaling.need(this.load, nowMs, this.recycler.waiting !== undefined);
    return need === 'wished' && this.isClosing ? 'none' : need;
  }

  submit(work: Work): void {
    const worker = this.queue.length === 0 ? this.#open.pick() : undefined;
    if (worker !== undefined) {
      this.#begin(work, worker, work.queuedAt);
      return;
    }
    const refusal = this.#refusal(work.queuedAt);
    if (refusal !== undefined) {
      work.fail(...refusal);
      return;
    }
    this.queue.push(work.node);
    this.#room.want(this);
  }

  /** Starts a worker from nothing. The caller has made sure that there is room. */
  launch(isWished: boolean): void {
    const { capacity, clock } = this.#parts;
    const worker = new PoolWorker(this.#parts, this, this.app.isolation);
    capacity.take(worker.id, worker.kind);
    capacity.beginStart();
    if (isWished) this.scaling.changed(clock.monotonicMs());
    this.#take(worker);
    void this.#bringUp(worker, 'cold');
  }

  /** Takes a warm worker over. */
  adopt(worker: PoolWorker): void {
    worker.adopt(this);
    this.#take(worker);
    void this.#bringUp(worker, 'warm');
  }

  settle(work: Work, outcome: Outcome): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.meter.done(outcome);
    work.node.chain?.remove(work.node);
    const { worker } = work;
    if (worker !== undefined) {
      this.meter.run.add(nowMs - work.startedAt);
      this.#open.took(nowMs - work.startedAt);
      worker.inFlight -= 1;
      if (worker.state === 'active') this.#unload(worker, outcome, nowMs);
    }
    this.#closeIfDone();
  }

  exempt(work: Work): void {
    if (work.node.chain === this.running) this.openEnded.push(work.node);
  }

  /** It gets nothing more, and is ended when it has nothing in flight, or after so long. */
  drain(worker: PoolWorker, reason: EndReason): void {
    if (worker.isDraining || worker.state === 'terminated') return;
    const nowMs = this.#parts.clock.monotonicMs();
    worker.isDraining = true;
    worker.drainReason = reason;
    worker.drainUntil = nowMs + this.app.limits.requestTimeoutMs;
    this.#setAside(worker);
    this.#open.remove(worker);
    if (worker.inFlight === 0) this.end(worker, reason);
  }

  /** Ends it now. Without `violence` it has nothing in flight, and its hook is called. */
  end(worker: PoolWorker, reason: EndReason, violence?: Violence): void {
    if (worker.state === 'terminated') return;
    const nowMs = this.#parts.clock.monotonicMs();
    const isFriendly = violence === undefined && worker.state !== 'creating';
    worker.terminate(reason);
    this.#setAside(worker);
    this.#open.remove(worker);
    this.#parts.idle.remove(worker.idleNode);
    this.workers.delete(worker);
    if (this.workers.size === 0) this.#room.holders -= 1;
    this.#leaving += 1;
    this.meter.ended(reason);
    if (violence !== undefined && worker.inFlight > 0) {
      failAll(worker, [...this.running, ...this.openEnded], violence);
    }
    const error = violence?.error ?? workerCrashed('it was no longer needed');
    void this.#parts.dismiss(worker, { isFriendly, error }).then((how) => this.#gone(reason, how));
    this.recycler.ended(worker, nowMs);
    this.#giveUpIfHopeless(nowMs);
    this.#room.want(this);
    this.#closeIfDone();
  }

  onLost(worker: PoolWorker): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.backoff.crashed(nowMs, nowMs - worker.readyAt, 'its worker ended by itself');
    const error = workerCrashed('it ended by itself');
    this.end(worker, 'crashed', { error, outcome: 'crashed' });
  }

  /** Nothing new. What waits and what runs ends as it would, then its workers go. */
  close(reason: EndReason): void {
    if (this.isClosing) return;
    this.#closing = reason;
    this.closeUntil = this.#parts.clock.monotonicMs() + this.app.limits.requestTimeoutMs;
    this.#closeIfDone();
  }

  /** Ends everything at once. */
  abandon(): void {
    for (const work of [...this.queue]) work.fail(shuttingDown(), 'shutting-down');
    const violence = { error: shuttingDown(), outcome: 'shutting-down' } as const;
    for (const worker of [...this.workers]) this.end(worker, 'shutdown', violence);
  }

  view(): AppView {
    const { active, idle, creating } = this.ledger;
    return {
      app: this.key,
      kind: this.app.isolation,
      ...{ active, idle, creating },
      inFlight: this.inFlight,
      queued: this.queue.length,
      requests: this.#requests,
      failing: this.backoff.failing,
    };
  }

  #refusal(nowMs: number): [DroverError, Outcome] | undefined {
    const { queueLimit } = this.app.limits;
    if (this.isClosing) return [shuttingDown(), 'shutting-down'];
    if (this.#isHopeless(nowMs)) return [this.#failing(nowMs), 'app-failing'];
    return this.queue.length >= queueLimit ? [queueFull(queueLimit), 'queue-full'] : undefined;
  }

  #begin(work: Work, worker: PoolWorker, nowMs: number): void {
    this.meter.queueWait.add(nowMs - work.queuedAt);
    work.worker = worker;
    work.startedAt = nowMs;
    this.running.push(work.node);
    this.#requests += 1;
    worker.requests += 1;
    worker.inFlight += 1;
    worker.isToldIdle = false;
    if (worker.state !== 'active') {
      worker.step('begin');
      this.#parts.idle.remove(worker.idleNode);
    }
    this.#open.place(worker);
    if (worker.requests >= worker.mostRequests) this.recycle(worker, 'max-requests', nowMs);
    work.begin(worker);
    if (this.scaling.mayLackReserve(worker.inFlight)) this.#room.want(this);
  }

  recycle(worker: PoolWorker, reason: EndReason, nowMs: number): void {
    this.recycler.add(worker, reason, nowMs);
    if (this.recycler.waiting !== undefined) this.#room.want(this);
  }

  #unload(worker: PoolWorker, outcome: Outcome, nowMs: number): void {
    // Nobody waits for it any more, and it may be at work on it for ever: it must give a sign.
    if (outcome === 'cancelled' || outcome === 'timeout') worker.suspectSince ??= nowMs;
    if (worker.inFlight === 0) {
      worker.step('settle');
      worker.idleSince = nowMs;
      if (worker.isDraining) {
        this.end(worker, worker.drainReason);
        return;
      }
      this.#parts.idle.push(worker.idleNode);
    }
    if (worker.isDraining) return;
    this.#open.place(worker);
    this.#room.settled(this, worker);
    this.#pump(nowMs);
  }

  #pump(nowMs: number): void {
    // Work may be over before its begin returns, and lead here again.
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (;;) {
      const work = this.queue.first;
      const worker = work === undefined ? undefined : this.#open.pick();
      if (work === undefined || worker === undefined) break;
      this.#begin(work, worker, nowMs);
    }
    this.#isPumping = false;
  }

  #take(worker: PoolWorker): void {
    const { maxRequests } = this.app.limits;
    const share = 1 + REQUESTS_JITTER * (2 * this.#parts.chance() - 1);
    worker.mostRequests = Math.max(1, Math.round(maxRequests * share));
    if (this.workers.size === 0) this.#room.holders += 1;
    this.workers.add(worker);
    this.#staying += 1;
  }

  async #bringUp(worker: PoolWorker, kind: StartKind): Promise<void> {
    const { clock, capacity } = this.#parts;
    const beganAt = clock.monotonicMs();
    const onLaunched = () => {
      capacity.endStart();
      this.#room.want(this);
    };
    try {
      await startWorker(this.#parts, worker, this.app, kind === 'cold' ? onLaunched : undefined);
    } catch (thrown) {
      this.#startFailed(worker, toDroverError(thrown));
      return;
    }
    if (worker.state === 'terminated') return;
    const nowMs = clock.monotonicMs();
    worker.step('started');
    worker.readyAt = nowMs;
    worker.idleSince = nowMs;
    this.backoff.started();
    this.meter.started(kind, nowMs - beganAt);
    this.#parts.idle.push(worker.idleNode);
    this.#open.place(worker);
    this.#pump(nowMs);
    this.recycler.started();
    this.#room.want(this);
    this.#closeIfDone();
  }

  #startFailed(worker: PoolWorker, error: DroverError): void {
    if (worker.state === 'terminated') return;
    const { clock, log, onOutput } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.meter.startFailed();
    this.backoff.failed(nowMs, error.message);
    log.warn({ app: this.key, worker: worker.id, error }, 'a worker of an app does not start');
    onOutput(this.key, 'stderr', `the app does not start: ${error.message}`);
    this.end(worker, 'failed-start', { error, outcome: 'app-failing' });
  }

  #setAside(worker: PoolWorker): void {
    if (!worker.isStaying) return;
    worker.isStaying = false;
    this.#staying -= 1;
  }

  #gone(reason: EndReason, how: string): void {
    if (reason === 'crashed') this.backoff.explain(how);
    const note = endNote(reason, how);
    if (note !== undefined) this.#parts.onOutput(this.key, 'stderr', note);
    this.#leaving -= 1;
    this.#room.want(this);
    this.#closeIfDone();
  }

  /** Nobody works, nobody comes, and nobody is to be started soon. */
  #isHopeless(nowMs: number): boolean {
    const isEmpty = this.#staying === 0 && this.recycler.waiting === undefined;
    return isEmpty && this.backoff.waitMs(nowMs) > 0;
  }

  #giveUpIfHopeless(nowMs: number): void {
    if (this.queue.length === 0 || !this.#isHopeless(nowMs)) return;
    const error = this.#failing(nowMs);
    for (const work of [...this.queue]) work.fail(error, 'app-failing');
  }

  #failing(nowMs: number): DroverError {
    return appFailing(this.backoff.failing?.message ?? '', this.backoff.waitMs(nowMs));
  }

  #closeIfDone(): void {
    if (this.#closing === undefined || this.queue.length > 0 || this.inFlight > 0) return;
    for (const worker of [...this.workers]) this.end(worker, this.#closing);
    if (this.workers.size === 0 && this.#leaving === 0) this.#closed.resolve();
  }
}
