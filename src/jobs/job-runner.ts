/**
 * Runs jobs. It works in turns: each writes what has ended since the last, claims what there is
 * room for, and is one transaction, however many jobs that are.
 *
 *            ┌────────────── turn ◀─────────────┐
 *            ▼                                  │
 *   (ready) ──▶ slots ──▶ attempts ──▶ (settled)
 *
 * What always holds:
 * - An attempt that settled is kept until it is written, or its lease is lost.
 * - Where jobs are over in no time, some are claimed ahead of a free slot, so that the database is
 *   not asked for each. One that then waits for too long is given back.
 * - One that only waits for other jobs leaves its slot to them; so they are never kept from running
 *   by those that wait for them.
 * - While the database is away nothing new begins and nothing that runs is disturbed, until its
 *   lease is over.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { randomHex } from '#kernel/random.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { JobAttempt, type AttemptParts } from './job-attempt.ts';
import type { JobHandler } from './job-handler.ts';
import { JobJournal } from './job-journal.ts';
import { JobLeases, LEASE_MS } from './job-leases.ts';
import { JobMetrics } from './job-metrics.ts';
import { isWorthRetrying, toJobError } from './job-retry.ts';
import { outcomeToEvent } from './job-events.ts';
import type { Claim, ClaimOrder, JobStore, SettledAttempt } from './job-store.ts';
import type { LaneLimits } from './lane-limits.ts';
import { Pace } from './pace.ts';

const POLL_MS = SECOND_MS;
/** Between two turns while jobs run: what ends in the meantime is written together. */
const GATHER_MS = 2;
const RETRY_MS = SECOND_MS;
const MOST_SETTLED = 1000;
const MOST_CLEAN_UPS = 4;
/** One more keeps its slot: each takes some memory and a lease. */
const MOST_WAITING = 1000;
/** For what runs to come to rest when Drover stops, and for that to be written. */
const GRACE_MS = 5 * SECOND_MS;
const COUNT_MS = 5 * SECOND_MS;
const PRUNE_MS = 5 * MINUTE_MS;
const PRUNE_BATCH = 500;
const MOST_ENDED = 50_000;
const KEEP_ENDED_MS = 30 * DAY_MS;

export interface JobLimits {
  /** Jobs of this process at a time. */
  readonly slots: number;
  /** By prefix, over all processes: `{ vcenter: 8, esxi: 2, destination: 4 }`. */
  readonly lanes?: LaneLimits | undefined;
  /** Jobs that ended are kept so long, and so many; 30 days and 50,000 unless told otherwise. */
  readonly keepEndedMs?: number | undefined;
  readonly mostEnded?: number | undefined;
}

export interface JobRunnerParts {
  readonly store: JobStore;
  readonly handlers: readonly JobHandler[];
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Names this process among those that share the database, and stays over a restart. */
  readonly holder: string;
  readonly limits: JobLimits;
}

export class JobRunner implements AsyncDisposable {
  readonly #parts: JobRunnerParts;
  readonly #handlers: ReadonlyMap<string, JobHandler>;
  /** Of this life of the process: what an earlier one wrote is not taken for ours. */
  readonly #holder: string;
  readonly #journal: JobJournal;
  readonly #leases: JobLeases;
  readonly #attemptParts: AttemptParts;
  readonly #metrics: JobMetrics;
  readonly #pace: Pace;
  /** Claimed, and waiting for a slot. */
  #ready: { readonly attempt: JobAttempt; readonly sinceMs: number }[] = [];
  readonly #running = new Set<JobAttempt>();
  /** They run and take no slot, since they wait for others. */
  readonly #waiting = new Set<JobAttempt>();
  #settled: SettledAttempt[] = [];
  #wake = Promise.withResolvers<void>();
  #isAwake = false;
  #isPolled = true;
  #isStopping = false;
  /** Whatever still runs is not waited for any more. */
  #isLeft = false;
  #loop: Promise<void> = Promise.resolve();
  #watching: DisposableStack | undefined;
  #isTicking = false;
  #countAtMs = -Infinity;
  #pruneAtMs = -Infinity;

  constructor(parts: JobRunnerParts) {
    this.#parts = parts;
    const { store, clock, log, holder, limits } = parts;
    this.#handlers = new Map(parts.handlers.map((handler) => [handler.kind, handler]));
    this.#holder = `${holder}/${randomHex(4)}`;
    this.#leases = new JobLeases({ store, clock, log, holder: this.#holder });
    const onLost = (ids: readonly JobAttempt['id'][]) => {
      for (const id of ids) this.#leases.lose(id);
    };
    this.#journal = new JobJournal({ store, clock, log, onLost });
    this.#attemptParts = {
      ...{ ...parts, holder: this.#holder, journal: this.#journal, lanes: limits.lanes ?? {} },
      onLeaveSlot: (attempt) => this.#leaveSlot(attempt),
    };
    this.#metrics = new JobMetrics(parts.metrics, () => this.stats());
    this.#pace = new Pace(limits.slots);
  }

  stats(): { readonly slots: number; readonly active: number } {
    return { slots: this.#parts.limits.slots, active: this.#running.size };
  }

  /** Resolves when what an earlier life of this process left is free again, and work has begun. */
  async start(): Promise<void> {
    const { store, clock, holder } = this.#parts;
    await this.#leases.takeBack(`${holder}/`);
    const watching = new DisposableStack();
    watching.use(
      store.onChange(() => {
        this.#notify();
        void this.#leases.look().catch((thrown: unknown) => this.#leases.warn(thrown));
      }),
    );
    watching.use(clock.every(POLL_MS, () => void this.#tick()));
    this.#watching = watching;
    this.#loop = this.#work();
  }

  /** What can be given back is pending again when this resolves, or has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, log } = this.#parts;
    this.#isStopping = true;
    for (const { attempt } of this.#ready.splice(0)) {
      this.#settled.push(attempt.release('the process that was to run it stops'));
    }
    for (const attempt of [...this.#running, ...this.#waiting]) attempt.stop('shutdown');
    const grace = new AbortController();
    this.#notify();
    await Promise.race([this.#loop, clock.sleep(GRACE_MS, grace.signal).catch(() => undefined)]);
    grace.abort();
    this.#watching?.dispose();
    this.#metrics[Symbol.dispose]();
    const left = [...this.#running, ...this.#waiting].map(({ id }) => id);
    if (left.length > 0 || this.#settled.length > 0) {
      const jobs = [...left, ...this.#settled.map(({ job }) => job.id)];
      log.warn({ jobs }, 'jobs were left as they are; they go on when their leases end');
    }
    this.#isLeft = true;
    this.#notify();
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#parts;
    while (!this.#isLeft && !this.#isDone()) {
      try {
        await this.#turn();
      } catch (thrown) {
        const error = toDroverError(thrown);
        log.warn({ error }, 'the work of jobs could not be written or claimed; trying again');
        await clock.sleep(RETRY_MS);
        continue;
      }
      if (this.#isDone()) return;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      this.#isAwake = false;
      // Handlers that are over at once are all over by the next macrotask.
      await (this.#running.size > 0 ? clock.sleep(GATHER_MS) : nextMacrotask());
    }
  }

  #isDone(): boolean {
    const isIdle = this.#running.size + this.#waiting.size === 0;
    return this.#isStopping && isIdle && this.#settled.length === 0;
  }

  #notify(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#wake.resolve();
  }

  async #turn(): Promise<void> {
    const { store, clock } = this.#parts;
    const wasPolled = this.#isPolled;
    this.#isPolled = false;
    if (wasPolled) await store.wakeDue(clock.nowMs());
    const order = this.#isStopping ? undefined : this.#order();
    const isIdle = this.#settled.length === 0;
    if (isIdle && (order === undefined || !(await store.hasReady(order.kinds)))) return;
    const settled = this.#settled.splice(0, MOST_SETTLED);
    const sinceMs = clock.monotonicMs();
    let claims: readonly Claim[];
    try {
      claims = await this.#write(settled, order);
    } catch (thrown) {
      this.#settled = [...settled, ...this.#settled];
      throw thrown;
    }
    for (const attempt of settled) this.#metrics.settled(attempt);
    for (const claim of claims) this.#take(claim, sinceMs);
    this.#fill();
    // There may be more: the next turn finds out without waiting for the poll.
    const isFull = order !== undefined && claims.length >= order.most + order.mostAhead;
    if (this.#settled.length > 0 || (isFull && this.#room() > 0)) this.#notify();
  }

  async #write(
    settled: readonly SettledAttempt[],
    claim: ClaimOrder | undefined,
  ): Promise<readonly Claim[]> {
    const { store, clock, log } = this.#parts;
    await this.#journal.flush();
    const turn = { holder: this.#holder, at: clock.nowMs() };
    try {
      const { lost, claims } = await store.turn({ ...turn, settled, claim });
      if (lost.length > 0) log.warn({ jobs: lost }, 'jobs ended here after their lease was lost');
      for (const { job } of settled) this.#journal.forget(job.id);
      return claims;
    } catch (thrown) {
      const error = toDroverError(thrown);
      if (isWorthRetrying(error) || settled.length === 0) throw error;
      log.error({ error }, 'what some jobs came to cannot be written as it is');
      for (const attempt of settled) await this.#writeAlone(attempt);
      return [];
    }
  }

  /** One that the database refuses must not keep the others from being written. */
  async #writeAlone(settled: SettledAttempt): Promise<void> {
    const { store, clock, log } = this.#parts;
    const turn = { holder: this.#holder, at: clock.nowMs(), claim: undefined };
    try {
      await store.turn({ ...turn, settled: [settled] });
    } catch (thrown) {
      if (isWorthRetrying(toDroverError(thrown))) throw thrown;
      const { job, at } = settled;
      const error = toJobError(thrown);
      const message = 'what the job came to could not be stored';
      const outcome = { kind: 'failed', error: { ...error, message } } as const;
      const event = outcomeToEvent(job, outcome, { at, message });
      log.error({ error: thrown, job: job.id }, message);
      await store.turn({ ...turn, settled: [{ ...settled, outcome, message, event }] });
    }
  }

  #room(): number {
    return this.#parts.limits.slots - this.#running.size - this.#ready.length;
  }

  #order(): ClaimOrder | undefined {
    const { lanes = {} } = this.#parts.limits;
    const kinds = [...this.#handlers.keys()];
    if (kinds.length === 0) return undefined;
    const ahead = this.#pace.ahead();
    const room = this.#room();
    const most = Math.max(0, room);
    const mostAhead = Math.max(0, Math.min(ahead, ahead + room));
    const common = { kinds, lanes, leaseMs: LEASE_MS };
    if (most + mostAhead > 0) return { ...common, most, mostAhead, isCleanUpOnly: false };
    // Whoever cancels does not wait for a slot, within reason.
    const cleanUps = MOST_CLEAN_UPS + room;
    if (cleanUps <= 0) return undefined;
    return { ...common, most: cleanUps, mostAhead: 0, isCleanUpOnly: true };
  }

  #take(claim: Claim, sinceMs: number): void {
    const handler = this.#handlers.get(claim.job.kind);
    // Only kinds with a handler are claimed.
    if (handler === undefined) return;
    const attempt = new JobAttempt(claim, handler, this.#attemptParts);
    this.#metrics.started(claim.job);
    this.#leases.hold(attempt, sinceMs);
    this.#ready.push({ attempt, sinceMs });
  }

  #fill(): void {
    const { slots } = this.#parts.limits;
    while (!this.#isStopping) {
      const next = this.#ready[0];
      if (next === undefined) return;
      const isCleanUp = next.attempt.claim.job.isCancelRequested;
      const most = isCleanUp ? slots + MOST_CLEAN_UPS : slots;
      if (this.#running.size >= most) return;
      this.#ready.shift();
      void this.#run(next.attempt);
    }
  }

  #leaveSlot(attempt: JobAttempt): void {
    if (this.#waiting.size >= MOST_WAITING || !this.#running.delete(attempt)) return;
    this.#waiting.add(attempt);
    this.#fill();
    this.#notify();
  }

  async #run(attempt: JobAttempt): Promise<void> {
    const { clock } = this.#parts;
    this.#running.add(attempt);
    const startedMs = clock.monotonicMs();
    const settled = await attempt.run();
    this.#leases.release(attempt.id);
    if (settled === undefined) this.#journal.forget(attempt.id);
    else this.#settled.push(settled);
    this.#notify();
    // One that does not come back keeps its slot: what it uses is not free.
    await attempt.idle();
    if (this.#running.delete(attempt)) this.#pace.took(clock.monotonicMs() - startedMs);
    this.#waiting.delete(attempt);
    this.#fill();
    this.#notify();
  }

  /** Every second. What hangs in the database must not keep leases from running out. */
  async #tick(): Promise<void> {
    const { clock } = this.#parts;
    this.#leases.dropStale();
    this.#giveBack();
    this.#isPolled = true;
    this.#notify();
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      await this.#leases.look();
      await this.#journal.flush();
      if (await this.#leases.renewAndWatch()) this.#notify();
      await this.#count(clock.monotonicMs());
      await this.#prune(clock.monotonicMs());
    } catch (thrown) {
      this.#leases.warn(thrown);
    } finally {
      this.#isTicking = false;
    }
  }

  #giveBack(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const isLate = ({ sinceMs }: { readonly sinceMs: number }) => nowMs - sinceMs >= POLL_MS;
    const late = this.#ready.filter(isLate);
    if (late.length === 0) return;
    this.#ready = this.#ready.filter((each) => !isLate(each));
    this.#pace.slowDown();
    for (const { attempt } of late) {
      this.#leases.release(attempt.id);
      this.#settled.push(attempt.release('it waited for too long where it was to run'));
    }
  }

  async #count(nowMs: number): Promise<void> {
    if (nowMs < this.#countAtMs) return;
    this.#metrics.counted(await this.#parts.store.counts());
    this.#countAtMs = nowMs + COUNT_MS;
  }

  async #prune(nowMs: number): Promise<void> {
    if (nowMs < this.#pruneAtMs) return;
    const { store, clock, limits } = this.#parts;
    const { keepEndedMs = KEEP_ENDED_MS, mostEnded: most = MOST_ENDED } = limits;
    const olderThan = clock.nowMs() - keepEndedMs;
    const gone = await store.prune({ olderThan, most, limit: PRUNE_BATCH });
    // A full batch says that there is more, and a second from now is soon enough.
    this.#pruneAtMs = gone === PRUNE_BATCH ? nowMs : nowMs + PRUNE_MS;
  }
}

function nextMacrotask(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
