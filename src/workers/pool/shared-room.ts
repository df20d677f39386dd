/**
 * Who gets a worker next, when there is room for one, and who loses one when there is none.
 *
 * Apps wait in three lines, each in the order in which they came, and are served one worker at a
 * time, so that one that wants many does not keep others waiting:
 *
 *   starving ─▶ needed ─▶ wished ─▶ [warm stock]
 *
 * An app that is served takes a warm worker if there is one and it can, or starts one if there is a
 * start slot and room. Without room something has to go, for `starving` and `needed` alone:
 * 1. a warm worker;
 * 2. the idle worker used least recently, of whatever app. An app keeps its `minWorkers`, except
 *    from one that is starving;
 * 3. the next worker in which something ends, if its app has more than its share (the number of
 *    workers by that of apps that have or want some) and the worker has served a while. It drains.
 * No more are made to go than are wanted.
 */
import { SECOND_MS } from '#kernel/units.ts';
import { AppPool, type Room } from './app-pool.ts';
import type { Need } from './app-scaling.ts';
import { Chain } from './chain.ts';
import type { PoolParts } from './pool-parts.ts';
import type { PoolWorker } from './pool-worker.ts';
import { WarmStock } from './warm-stock.ts';

/** Starting a worker costs about a tenth of it: a worker is not taken from an app for less. */
const LEAST_TURN_MS = SECOND_MS;

export class SharedRoom implements Room {
  readonly warm: WarmStock;
  readonly #parts: PoolParts;
  readonly #lines: Record<Exclude<Need, 'none'>, Chain<AppPool>> = {
    starving: new Chain(),
    needed: new Chain(),
    wished: new Chain(),
  };
  /** Apps that have a worker; kept by them. */
  holders = 0;
  #isServing = false;
  #isServedAgain = false;

  constructor(parts: PoolParts, warm: number) {
    this.#parts = parts;
    this.warm = new WarmStock(parts, warm, () => this.serve());
  }

  /** Apps that wait for a worker to be started. */
  get waiting(): number {
    const { starving, needed, wished } = this.#lines;
    return starving.length + needed.length + wished.length;
  }

  want(app: AppPool): void {
    this.#enter(app);
    this.serve();
  }

  settled(app: AppPool, worker: PoolWorker): void {
    if (this.#missing === 0) return;
    this.serve();
    if (this.#missing === 0 || worker.state === 'terminated') return;
    const { clock, capacity } = this.#parts;
    const { starving } = this.#lines;
    const hasHadTurn = clock.monotonicMs() - worker.readyAt >= LEAST_TURN_MS;
    const isProtected = app.isAtFloor && starving.length === 0;
    const share = capacity.members / (this.holders + starving.length);
    if (!hasHadTurn || isProtected || app.workers.size <= share) return;
    capacity.promiseLeave(worker.id);
    app.drain(worker, 'evicted');
  }

  /** Every second. */
  look(apps: Iterable<AppPool>): void {
    for (const app of apps) this.#enter(app);
    this.serve();
    const { capacity } = this.#parts;
    // What runs has grown. One at a time: it takes a while until what one frees is seen.
    if (capacity.isOverMemory && capacity.leaving === 0) this.#evictOne(undefined);
  }

  /** Does what can be done now. Harmless to call at any time, from within itself as well. */
  serve(): void {
    this.#isServedAgain = true;
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#isServedAgain) {
        this.#isServedAgain = false;
        this.#serveLines();
        this.#makeRoom();
      }
      this.#refill();
    } finally {
      this.#isServing = false;
    }
  }

  forget(app: AppPool): void {
    app.waitNode.chain?.remove(app.waitNode);
  }

  /** How many more workers would have to go for all that need one. */
  get #missing(): number {
    const { starving, needed } = this.#lines;
    const first = starving.first ?? needed.first;
    if (first === undefined) return 0;
    const { capacity } = this.#parts;
    if (capacity.hasRoom(first.app.isolation)) return 0;
    // A warm worker that is about to be ready is as good as room.
    const coming = capacity.leaving + (first.fitsWarm ? this.warm.ledger.creating : 0);
    return Math.max(0, starving.length + needed.length - coming);
  }

  #enter(app: AppPool): void {
    const need = app.need(this.#parts.clock.monotonicMs());
    const line = need === 'none' ? undefined : this.#lines[need];
    if (app.waitNode.chain === line) return;
    if (line === undefined) this.forget(app);
    else line.push(app.waitNode);
  }

  #serveLines(): void {
    let isBlocked = false;
    for (const need of ['starving', 'needed', 'wished'] as const) {
      for (const app of this.#lines[need]) {
        if (isBlocked && this.warm.readyCount === 0) return;
        isBlocked = !this.#serveOne(app, need, isBlocked) || isBlocked;
      }
    }
  }

  /** False when it waits on. */
  #serveOne(app: AppPool, need: Need, mayNotLaunch: boolean): boolean {
    if (app.need(this.#parts.clock.monotonicMs()) !== need) {
      // Its case has changed since it came; it stands where it belongs now.
      this.forget(app);
      this.#enter(app);
      this.#isServedAgain = true;
      return true;
    }
    const worker = app.fitsWarm ? this.warm.take() : undefined;
    if (worker === undefined && mayNotLaunch) return false;
    const { capacity } = this.#parts;
    if (worker === undefined && !(capacity.canStart && capacity.hasRoom(app.app.isolation))) {
      if (need === 'wished' && !capacity.hasRoom(app.app.isolation)) this.forget(app);
      return false;
    }
    this.forget(app);
    if (worker === undefined) app.launch(need === 'wished');
    else app.adopt(worker);
    // To the end of its line, if it wants another.
    this.#enter(app);
    this.#isServedAgain = true;
    return true;
  }

  #makeRoom(): void {
    const { starving, needed } = this.#lines;
    while (this.#missing > 0) {
      if (!this.#evictOne(starving.first ?? needed.first)) return;
    }
  }

  /** For this app, or for none in particular. False when there is nothing to evict. */
  #evictOne(asker: AppPool | undefined): boolean {
    if (this.warm.evict('evicted')) return true;
    const isStarving = asker !== undefined && asker.waitNode.chain === this.#lines.starving;
    for (const worker of this.#parts.idle) {
      const { owner } = worker;
      const isOurs = !(owner instanceof AppPool) || owner === asker;
      if (isOurs || (owner.isAtFloor && !isStarving)) continue;
      owner.drain(worker, 'evicted');
      return true;
    }
    return false;
  }

  #refill(): void {
    const { capacity, clock } = this.#parts;
    const { starving, needed } = this.#lines;
    if (starving.length + needed.length > 0) return;
    const nowMs = clock.monotonicMs();
    while (this.warm.isShort(nowMs) && capacity.canStart && capacity.hasRoom('process')) {
      this.warm.launch();
    }
  }
}
