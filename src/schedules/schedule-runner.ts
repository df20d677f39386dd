/**
 * Runs what is due. Any number of processes may do this over one database: each due time is
 * claimed by one of them, and what that one leaves unfinished another one takes up.
 *
 * It sleeps until the next run, and never more than a minute: other processes change schedules,
 * and somebody may set the clock. After a clock was set back, schedules that were moved on to a
 * time that is far away now are moved back; a due time that has had its run has no other.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { RunSubmitter } from './run-submitter.ts';
import { planDue, planNext } from './schedule-plan.ts';
import type { DueClaim, ScheduleRunStore } from './schedule-run-store.ts';
import { parseScheduleTime, type ScheduleTime } from './schedule-time.ts';
import type { Schedule } from './schedule.ts';

export interface ScheduleRunnerParts {
  readonly runs: ScheduleRunStore;
  readonly submitter: RunSubmitter;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = MINUTE_MS;
/** While a run waits for another one to end. */
const WAITING_LOOK_MS = 2 * SECOND_MS;
const FAILED_LOOK_MS = 5 * SECOND_MS;
/** Others may be about to claim what is due. */
const LEAST_PAUSE_MS = 50;
/** Whoever claimed a run submits it at once, or is no more. */
const STALE_MS = MINUTE_MS;
/** A clock that is put right by less than this was right. */
const CLOCK_STEP_MS = SECOND_MS;
const BATCH = 50;
const MOST_BATCHES = 400;

export class ScheduleRunner implements AsyncDisposable {
  readonly #parts: ScheduleRunnerParts;
  readonly #looks = new SerialQueue();
  readonly #stop = new AbortController();
  #nap = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Of the wall clock before the one that nobody can set. */
  #wallAheadMs: number | undefined;

  constructor(parts: ScheduleRunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#keepLooking();
  }

  /** A schedule was changed in this process: its next run may be sooner than known. */
  wake(): void {
    this.#nap.abort();
  }

  /** Runs all that is due, and says how long nothing else will be. */
  async look(): Promise<number> {
    return await this.#looks.run(() => this.#look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#looks.idle();
  }

  async #keepLooking(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // Whoever wakes it from now on has changed something that this look may not see.
      this.#nap = new AbortController();
      const { signal: woken } = this.#nap;
      let pauseMs = FAILED_LOOK_MS;
      try {
        pauseMs = await this.look();
      } catch (thrown) {
        const error = toDroverError(thrown);
        log.warn({ error }, 'schedules could not be looked at; trying again');
      }
      // Both that end it early are asked for next.
      await clock.sleep(pauseMs, AbortSignal.any([signal, woken])).catch(() => undefined);
    }
  }

  async #look(): Promise<number> {
    const { runs, submitter, clock } = this.#parts;
    await this.#noticeClock();
    for (let batch = 0; batch < MOST_BATCHES && !this.#stop.signal.aborted; batch += 1) {
      if ((await this.#runDue()) < BATCH) break;
    }
    const nowMs = clock.nowMs();
    await submitter.submit(await runs.claimWaiting(nowMs, BATCH));
    await submitter.submit(await runs.reclaim({ nowMs, staleMs: STALE_MS, limit: BATCH }));
    const mostMs = (await runs.hasWaiting()) ? WAITING_LOOK_MS : LOOK_MS;
    const nextMs = ((await runs.nextRunAt()) ?? Infinity) - clock.nowMs();
    return Math.max(LEAST_PAUSE_MS, Math.min(nextMs, mostMs));
  }

  async #runDue(): Promise<number> {
    const { runs, submitter, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const due = await runs.listDue(nowMs, BATCH);
    const claims: DueClaim[] = [];
    for (const schedule of due) {
      const time = await this.#timeOf(schedule);
      if (time === undefined) continue;
      const firstMs = schedule.nextDueAt ?? nowMs;
      claims.push({ schedule, plan: planDue(schedule, time, { firstMs, nowMs }) });
    }
    await submitter.submit(await runs.claim(claims, nowMs));
    return due.length;
  }

  async #noticeClock(): Promise<void> {
    const { runs, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const before = this.#wallAheadMs ?? Infinity;
    const aheadMs = nowMs - clock.monotonicMs();
    if (aheadMs < before - CLOCK_STEP_MS) {
      for (const schedule of await runs.listAheadOf(nowMs)) {
        const time = await this.#timeOf(schedule);
        if (time === undefined) continue;
        const { nextDueAt = Infinity } = schedule;
        const anchorMs = schedule.nextDueAt ?? nowMs;
        const next = planNext(schedule, time, { afterMs: nowMs, anchorMs });
        if ((next.nextDueAt ?? Infinity) < nextDueAt) await runs.moveTo(schedule, next);
      }
    }
    this.#wallAheadMs = aheadMs;
  }

  /** One that was accepted and cannot be read any more is set aside, and does not stop others. */
  async #timeOf(schedule: Schedule): Promise<ScheduleTime | undefined> {
    const { runs, log } = this.#parts;
    try {
      const { timezone } = schedule;
      return parseScheduleTime(schedule.schedule, { timezone, fallback: timezone });
    } catch (thrown) {
      const about = { error: toDroverError(thrown), schedule: schedule.id };
      log.error(about, 'a schedule has no time any more and is not run until it is changed');
      await runs.moveTo(schedule, { nextDueAt: undefined, nextRunAt: undefined });
      return undefined;
    }
  }
}
