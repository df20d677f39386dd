/**
 * Calls apps when their cron entries are due. One timer waits for the entry that is due next, and
 * never longer than a minute, so that a wall clock that was set is noticed.
 *
 * What always holds:
 * - Entries are those of current versions. An entry that a new version has too goes on as it was.
 * - An entry runs once at a time: a run that is due while one goes on is skipped, and told of.
 * - What was due while the server was down is not made up for. One that merely comes late runs.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { askWorker } from '#workers/ask-worker.ts';
import type { AppWorkers } from './app-workers.ts';
import type { AppVersion, CronEntry } from './app.ts';
import { CronSchedule } from './cron-schedule.ts';

export interface AppCronParts {
  readonly clock: Clock;
  readonly workers: Pick<AppWorkers, 'fetch'>;
  /** A line for the log of the app. */
  readonly tell: (app: AppVersion, line: string) => void;
}

const LONGEST_WAIT_MS = MINUTE_MS;
/** Finding the next time is work; hundreds at midnight must not hold up everything else. */
const STARTED_AT_ONCE = 50;
/** The host that apps see where no client named one. */
const ORIGIN = 'http://drover.internal';

interface Planned {
  readonly entry: CronEntry;
  readonly schedule: CronSchedule;
  app: AppVersion;
  dueMs: number;
  isRunning: boolean;
  skipped: number;
}

export class AppCron implements AsyncDisposable {
  readonly #parts: AppCronParts;
  readonly #planned = new Map<string, Map<string, Planned>>();
  readonly #runs = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #lastNowMs: number;

  constructor(parts: AppCronParts) {
    this.#parts = parts;
    this.#lastNowMs = parts.clock.nowMs();
  }

  /** The entries of this version, and none of another, are planned from here on. */
  set(app: AppVersion): void {
    const { name, cron } = app.manifest;
    const before = this.#planned.get(name);
    const planned = new Map<string, Planned>();
    for (const entry of cron) {
      const id = JSON.stringify([entry.schedule, entry.timezone, entry.method, entry.path]);
      const known = before?.get(id);
      if (known !== undefined) known.app = app;
      planned.set(id, known ?? this.#plan(entry, app));
    }
    if (planned.size === 0) this.#planned.delete(name);
    else this.#planned.set(name, planned);
    this.#arm();
  }

  delete(name: string): void {
    this.#planned.delete(name);
    this.#arm();
  }

  /** Gives up what is running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await Promise.all(this.#runs);
  }

  #plan(entry: CronEntry, app: AppVersion): Planned {
    const schedule = new CronSchedule(entry.schedule, entry.timezone);
    const dueMs = schedule.nextAfter(this.#parts.clock.nowMs()) ?? Infinity;
    return { entry, schedule, app, dueMs, isRunning: false, skipped: 0 };
  }

  #all(): Planned[] {
    return [...this.#planned.values()].flatMap((entries) => [...entries.values()]);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = this.#all().reduce((least, it) => Math.min(least, it.dueMs), Infinity);
    if (this.#stop.signal.aborted || this.#planned.size === 0) return;
    const waitMs = dueMs - this.#parts.clock.nowMs();
    const bounded = Math.min(Math.max(waitMs, 1), LONGEST_WAIT_MS);
    this.#timer = this.#parts.clock.after(bounded, () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.#parts.clock.nowMs();
    // Set back, the clock will come by the same times again, and they are due again.
    const wasSetBack = nowMs < this.#lastNowMs - SECOND_MS;
    this.#lastNowMs = nowMs;
    const all = this.#all();
    if (wasSetBack) {
      for (const it of all) it.dueMs = it.schedule.nextAfter(nowMs) ?? Infinity;
    }
    for (const it of all.filter(({ dueMs }) => dueMs <= nowMs).slice(0, STARTED_AT_ONCE)) {
      it.dueMs = it.schedule.nextAfter(nowMs) ?? Infinity;
      this.#begin(it);
    }
    this.#arm();
  }

  #begin(planned: Planned): void {
    if (planned.isRunning) {
      planned.skipped += 1;
      this.#tell(planned, `a run was skipped, the one before still goes on (${planned.skipped})`);
      return;
    }
    planned.isRunning = true;
    const run = this.#run(planned).finally(() => {
      planned.isRunning = false;
      this.#runs.delete(run);
    });
    this.#runs.add(run);
  }

  /** Never rejects. */
  async #run(planned: Planned): Promise<void> {
    const { entry, app } = planned;
    const { workers } = this.#parts;
    const head = {
      method: entry.method,
      url: `${ORIGIN}${entry.path}`,
      headers: ['x-drover-cron', entry.schedule],
      caller: { kind: 'platform', id: 'cron' },
    } as const;
    try {
      const { status } = await askWorker(
        (request, body, handler) => workers.fetch(app.key, request, body, handler),
        head,
        undefined,
        this.#stop.signal,
      );
      if (status >= 400) this.#tell(planned, `a run was answered with status ${status}`);
    } catch (thrown) {
      if (this.#stop.signal.aborted) return;
      this.#tell(planned, `a run failed: ${toDroverError(thrown).message}`);
    }
  }

  #tell({ app, entry }: Planned, what: string): void {
    this.#parts.tell(app, `cron "${entry.schedule}" ${entry.method} ${entry.path}: ${what}`);
  }
}
