/**
 * Reads the pool's numbers again and again over HTTP, and keeps every sentence about what cannot
 * be: sums that are none, states that nobody documented, workers that come back.
 */
import { systemClock } from '#kernel/clock.ts';
import { WORKER_STATES } from '#workers/worker-state.ts';
import type { PoolClient, PoolStats, StatsWorker } from './pool-client.ts';

const EVERY_MS = 100;
const MOST_PROBLEMS = 20;
const SERIES = ['size', 'active', 'idle', 'creating', 'total', 'utilization'] as const;

type Pool = PoolStats['pool'];

export class PoolWatch implements AsyncDisposable {
  readonly problems: string[] = [];
  readonly endReasons = new Map<string, number>();
  samples = 0;
  mostWorkers = 0;
  readonly #client: PoolClient;
  readonly #known = new Map<string, StatsWorker>();
  readonly #watching: Promise<void>;
  #isOver = false;

  constructor(client: PoolClient) {
    this.#client = client;
    this.#watching = this.#watch();
    // Its end is awaited when the watch is over; it must not be unhandled until then.
    this.#watching.catch(() => undefined);
  }

  /** Rejects when the numbers could not be read. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const metrics = await this.#client.read('/metrics/api/metrics/');
      this.#checkPool(metrics.json.pool, 'metrics');
      this.#checkStats(await this.#client.stats());
      this.#checkExposition(await this.#client.read('/metrics/api/metrics/prometheus'));
      this.samples += 1;
      await systemClock.sleep(EVERY_MS);
    }
  }

  #checkPool(pool: Pool, where: string): void {
    const { size, active, idle, creating, total, utilization } = pool;
    const said = `${where}: ${JSON.stringify(pool)}`;
    for (const name of SERIES) {
      if (!(pool[name] >= 0)) this.#note(`${said}: ${name} is no count`);
    }
    if (total !== active + idle + creating) this.#note(`${said}: the total is no sum`);
    if (total > size) this.#note(`${said}: there are more than there may be`);
    if (utilization !== active / size) this.#note(`${said}: the utilization is another`);
    this.mostWorkers = Math.max(this.mostWorkers, total);
  }

  #checkStats({ pool, workers }: PoolStats): void {
    this.#checkPool(pool, 'stats');
    const inState = (...states: readonly string[]) =>
      workers.filter(({ state }) => states.includes(state)).length;
    const counted = [inState('active'), inState('idle', 'ready'), inState('creating')].join();
    const told = [pool.active, pool.idle, pool.creating].join();
    if (counted !== told) this.#note(`stats: counted ${counted}, told ${told}`);
    if (new Set(workers.map(({ id }) => id)).size !== workers.length) {
      this.#note('stats: a worker is there twice');
    }
    for (const worker of workers) this.#checkWorker(worker);
  }

  #checkWorker(worker: StatsWorker): void {
    const { id, state, requests, inFlight, endReason } = worker;
    const before = this.#known.get(id);
    this.#known.set(id, worker);
    const said = `${id} ${before?.state ?? 'unknown'} ─▶ ${state}`;
    if (!WORKER_STATES.some((known) => known === state)) this.#note(`${said}: no such state`);
    if (before?.state === 'terminated' && state !== 'terminated') this.#note(`${said}: it is back`);
    const wasAtWork = before?.state === 'active' || before?.state === 'idle';
    if (wasAtWork && (state === 'creating' || state === 'ready')) this.#note(said);
    if (requests < (before?.requests ?? 0)) this.#note(`${said}: it forgot requests`);
    if (state !== 'terminated' && inFlight > 0 !== (state === 'active')) {
      this.#note(`${said} with ${inFlight} in flight`);
    }
    if ((state === 'terminated') !== (endReason !== null)) this.#note(`${said}: ${endReason}`);
    if (endReason !== null && before?.state !== 'terminated') {
      this.endReasons.set(endReason, (this.endReasons.get(endReason) ?? 0) + 1);
    }
  }

  #checkExposition({ text }: { readonly text: string }): void {
    const read = (name: string) =>
      Number(new RegExp(`^buntime_pool_${name} (\\S+)$`, 'm').exec(text)?.[1]);
    const counts = { active: read('active'), idle: read('idle'), creating: read('creating') };
    const pool = { size: read('size'), total: read('total'), utilization: read('utilization') };
    this.#checkPool({ ...counts, ...pool }, 'prometheus');
  }

  #note(problem: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
  }
}
