/**
 * What running jobs say, gathered and written about once a second: the newest progress, the stages
 * and tenths they have come to, and their log. Whoever says more than is good loses the rest.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { progressEvent } from './job-events.ts';
import { MOST_LINE, type JobLogLine, type LogLevel } from './job-log.ts';
import { isWorthRetrying } from './job-retry.ts';
import type { AttemptReport, JobStore, Lease } from './job-store.ts';
import type { Job, JobProgress } from './job.ts';
import { toPlainJson, toPlainText } from './plain-json.ts';

const MOST_LINES_AT_ONCE = 1000;
const MOST_MILESTONES_AT_ONCE = 100;
const MOST_PROGRESS_BYTES = 64 * 1024;
const MOST_PARTS = 256;

export interface JournalParts {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLost: (ids: readonly JobId[]) => void;
}

interface Entry {
  readonly job: Job;
  readonly lease: Lease;
  progress: JobProgress | undefined;
  stage: string | undefined;
  tenth: number;
  milestones: AttemptReport['milestones'][number][];
  logs: Omit<JobLogLine, 'sequence'>[];
  dropped: number;
}

export class JobJournal {
  readonly #parts: JournalParts;
  readonly #entries = new Map<JobId, Entry>();
  /** Those with something to be written. */
  readonly #changed = new Set<JobId>();
  readonly #writes = new SerialQueue();

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  report(job: Job, lease: Lease, told: JobProgress): void {
    const entry = this.#entryOf(job, lease);
    const progress = toFitProgress(told);
    entry.progress = progress;
    this.#changed.add(job.id);
    const tenth = Math.floor(progress.percent / 10);
    if (progress.stage === entry.stage && tenth <= entry.tenth) return;
    entry.stage = progress.stage;
    entry.tenth = tenth;
    if (entry.milestones.length >= MOST_MILESTONES_AT_ONCE) return;
    const message = `${progress.stage}: ${Math.floor(progress.percent)} %`;
    const at = this.#parts.clock.nowMs();
    entry.milestones.push({
      entry: { at, kind: 'progress', attempt: job.attempt, message },
      event: progressEvent(job, progress, progress.message ?? message),
    });
  }

  log(job: Job, lease: Lease, line: { readonly level: LogLevel; readonly text: string }): void {
    const entry = this.#entryOf(job, lease);
    this.#changed.add(job.id);
    if (entry.logs.length >= MOST_LINES_AT_ONCE) {
      entry.dropped += 1;
      return;
    }
    const text = toPlainText(line.text, MOST_LINE);
    entry.logs.push({ at: this.#parts.clock.nowMs(), level: line.level, text });
  }

  /** Resolves when all that was said has been written; throws while the database is away. */
  async flush(): Promise<void> {
    if (this.#changed.size > 0) await this.#writes.run(() => this.#write());
  }

  /** The attempt is over. Flush before, or what is not written is gone. */
  forget(id: JobId): void {
    this.#entries.delete(id);
    this.#changed.delete(id);
  }

  #entryOf(job: Job, lease: Lease): Entry {
    const known = this.#entries.get(job.id);
    if (known !== undefined) return known;
    const { stage, percent } = job.progress ?? { stage: undefined, percent: 0 };
    const entry: Entry = {
      ...{ job, lease, progress: undefined, stage, tenth: Math.floor(percent / 10) },
      ...{ milestones: [], logs: [], dropped: 0 },
    };
    this.#entries.set(job.id, entry);
    return entry;
  }

  async #write(): Promise<void> {
    const { store, clock, log, onLost } = this.#parts;
    const entries = [...this.#changed].flatMap((id) => this.#entries.get(id) ?? []);
    this.#changed.clear();
    if (entries.length === 0) return;
    const taken = entries.map((entry) => this.#take(entry));
    try {
      onLost(await store.report(taken, clock.nowMs()));
    } catch (thrown) {
      const error = toDroverError(thrown);
      if (!isWorthRetrying(error)) {
        log.error({ error }, 'what jobs have said could not be written, and is dropped');
        return;
      }
      for (const [at, entry] of entries.entries()) this.#putBack(entry, taken[at]);
      throw error;
    }
  }

  #take(entry: Entry): AttemptReport {
    const { lease, milestones, dropped } = entry;
    const logs = [...entry.logs];
    if (dropped > 0) {
      const text = `${dropped} lines were too many at once and are not kept`;
      logs.push({ at: this.#parts.clock.nowMs(), level: 'warn', text });
    }
    const progress = entry.progress && toPlainJson(entry.progress, 'progress', MOST_PROGRESS_BYTES);
    entry.milestones = [];
    entry.logs = [];
    entry.dropped = 0;
    return { lease, progress, milestones, logs };
  }

  /** The bounds hold here too: what came meanwhile and is too much is left out. */
  #putBack(entry: Entry, report: AttemptReport | undefined): void {
    if (report === undefined || !this.#entries.has(entry.lease.id)) return;
    const milestones = [...report.milestones, ...entry.milestones];
    entry.milestones = milestones.slice(0, MOST_MILESTONES_AT_ONCE);
    entry.logs = [...report.logs, ...entry.logs].slice(0, MOST_LINES_AT_ONCE);
    this.#changed.add(entry.lease.id);
  }
}

function toFitProgress(told: JobProgress): JobProgress {
  return {
    stage: toPlainText(told.stage, 64),
    percent: Math.min(100, atLeastZero(told.percent)),
    doneBytes: atLeastZero(told.doneBytes),
    totalBytes: told.totalBytes === undefined ? undefined : atLeastZero(told.totalBytes),
    bytesPerSecond:
      told.bytesPerSecond === undefined ? undefined : atLeastZero(told.bytesPerSecond),
    secondsLeft: told.secondsLeft === undefined ? undefined : atLeastZero(told.secondsLeft),
    message: told.message === undefined ? undefined : toPlainText(told.message, 1000),
    parts: told.parts.slice(0, MOST_PARTS).map(({ name, doneBytes, totalBytes }) => ({
      name: toPlainText(name, 128),
      doneBytes: atLeastZero(doneBytes),
      totalBytes: totalBytes === undefined ? undefined : atLeastZero(totalBytes),
    })),
  };
}

function atLeastZero(value: number): number {
  return Number.isFinite(value) ? Math.max(0, value) : 0;
}
