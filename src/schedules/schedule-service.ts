/** What operators do with schedules. */
import type { JsonObject } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { createJobId, isScheduleId, type ScheduleId } from '#kernel/ids.ts';
import { randomUuid } from '#kernel/random.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { RunSubmitter } from './run-submitter.ts';
import {
  assertScheduleChanges,
  type ScheduleChanges,
  type ScheduleDraft,
} from './schedule-draft.ts';
import { planNext } from './schedule-plan.ts';
import type { ScheduleRunStore } from './schedule-run-store.ts';
import type {
  SchedulePage,
  ScheduleQuery,
  ScheduleStats,
  ScheduleStore,
} from './schedule-store.ts';
import { sealSecrets, type SecretUse } from './schedule-secrets.ts';
import { parseScheduleTime, withoutTimeZone } from './schedule-time.ts';
import type {
  JobTemplate,
  JobTemplateDraft,
  Schedule,
  ScheduleNext,
  ScheduleRun,
  ScheduleSettings,
} from './schedule.ts';
import { localTimeZone } from './time-zone.ts';

export interface ScheduleServiceParts {
  readonly store: ScheduleStore;
  readonly runs: ScheduleRunStore;
  readonly submitter: RunSubmitter;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  /** Where neither the schedule nor its text names one; undefined: that of this server. */
  readonly defaultTimezone?: string | undefined;
  /** Which secrets a spec needs; a change that names none keeps those that are for the same. */
  readonly secretUsesOf?: ((spec: JsonObject) => readonly SecretUse[]) | undefined;
  /** Called after each change: a run may be due sooner than was known. */
  readonly onChange: () => void;
}

export interface RunsQuery {
  /** Only runs before this sequence number. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface PreviewQuery {
  readonly schedule: string;
  readonly timezone?: string | undefined;
  /** Due times after this one, which is one itself where they come every so often; else now. */
  readonly afterMs?: number | undefined;
  readonly count: number;
}

export interface Preview {
  readonly timezone: string;
  readonly dues: readonly number[];
}

const MOST_SCHEDULES = 10_000;

export class ScheduleService {
  readonly #parts: ScheduleServiceParts;
  readonly #defaultTimezone: string;

  constructor(parts: ScheduleServiceParts) {
    this.#parts = parts;
    this.#defaultTimezone = parts.defaultTimezone ?? localTimeZone();
  }

  async create(draft: ScheduleDraft): Promise<Schedule> {
    const { store, clock, onChange } = this.#parts;
    assertScheduleChanges(draft);
    const id = parseId(draft.id ?? randomUuid());
    const nowMs = clock.nowMs();
    const time = parseScheduleTime(draft.schedule, {
      timezone: draft.timezone,
      fallback: this.#defaultTimezone,
    });
    const settings: ScheduleSettings = {
      name: draft.name ?? id,
      description: draft.description ?? '',
      schedule: draft.schedule.trim(),
      timezone: time.timezone,
      enabled: draft.enabled ?? true,
      template: this.#templateOf(id, draft.template, undefined),
      missed: draft.missed ?? 'once',
      overlap: draft.overlap ?? 'skip',
      jitterMs: draft.jitterMs ?? 0,
      tags: draft.tags ?? [],
    };
    const schedule: Schedule = {
      ...{ id, ...settings, createdAt: nowMs, updatedAt: nowMs },
      ...this.#nextOf({ id, ...settings }),
      ...{ lastRunAt: undefined, runCount: 0, successfulRuns: 0, failedRuns: 0 },
    };
    await store.insert(schedule, MOST_SCHEDULES);
    onChange();
    return schedule;
  }

  /** When a schedule would be due, without there being one. */
  preview({ schedule, timezone, afterMs, count }: PreviewQuery): Preview {
    const time = parseScheduleTime(schedule, { timezone, fallback: this.#defaultTimezone });
    const fromMs = afterMs ?? this.#parts.clock.nowMs();
    const dues: number[] = [];
    for (let at = 0; at < count; at += 1) dues.push(time.nextAfter(dues.at(-1) ?? fromMs, fromMs));
    return { timezone: time.timezone, dues };
  }

  async get(id: string): Promise<Schedule> {
    const schedule = isScheduleId(id) ? await this.#parts.store.find(id) : undefined;
    if (schedule === undefined) throw notFound(id);
    return schedule;
  }

  async list(query: ScheduleQuery): Promise<SchedulePage> {
    return await this.#parts.store.list(query);
  }

  /** What is absent stays as it is. */
  async change(id: string, changes: ScheduleChanges): Promise<Schedule> {
    const { store, clock, onChange } = this.#parts;
    assertScheduleChanges(changes);
    const changed = isScheduleId(id)
      ? await store.update(id, (now) => ({
          ...this.#merge(now, changes),
          updatedAt: clock.nowMs(),
        }))
      : undefined;
    if (changed === undefined) throw notFound(id);
    onChange();
    return changed;
  }

  async enable(id: string): Promise<Schedule> {
    return await this.change(id, { enabled: true });
  }

  async disable(id: string): Promise<Schedule> {
    return await this.change(id, { enabled: false });
  }

  /** With its history. Jobs it made go on. */
  async remove(id: string): Promise<void> {
    const { store, onChange } = this.#parts;
    if (!isScheduleId(id) || !(await store.remove(id))) throw notFound(id);
    onChange();
  }

  /** A run now, whether or not it is enabled, and whatever else of it runs. */
  async trigger(id: string): Promise<ScheduleRun> {
    const { runs, submitter, clock } = this.#parts;
    const claimed = isScheduleId(id)
      ? await runs.claimManual(id, createJobId(), clock.nowMs())
      : undefined;
    if (claimed === undefined) throw notFound(id);
    await submitter.submitNow(claimed);
    const run = await runs.find(claimed.jobId);
    if (run === undefined) throw notFound(id);
    return run;
  }

  /** The newest first. */
  async runs(id: string, { before, limit }: RunsQuery): Promise<readonly ScheduleRun[]> {
    const { id: scheduleId } = await this.get(id);
    return await this.#parts.runs.list({ scheduleId, before, limit });
  }

  async stats(): Promise<ScheduleStats> {
    return await this.#parts.store.stats();
  }

  #merge(now: Schedule, changes: ScheduleChanges): Schedule {
    const { id } = now;
    const { name, description, missed, overlap, jitterMs, tags, enabled, template } = changes;
    const merged: Schedule = {
      ...now,
      ...this.#timeAfter(now, changes),
      name: name ?? now.name,
      description: description ?? now.description,
      missed: missed ?? now.missed,
      overlap: overlap ?? now.overlap,
      jitterMs: jitterMs ?? now.jitterMs,
      tags: tags ?? now.tags,
      enabled: enabled ?? now.enabled,
      template:
        template === undefined ? now.template : this.#templateOf(id, template, now.template),
    };
    return { ...merged, ...this.#nextAfterChange(now, merged) };
  }

  #timeAfter(now: Schedule, { schedule, timezone }: ScheduleChanges) {
    if (schedule === undefined && timezone === undefined) return {};
    // A zone that is named now takes the place of one that stands in the text.
    const text = schedule?.trim() ?? withoutTimeZone(now.schedule);
    const time = parseScheduleTime(text, { timezone, fallback: now.timezone });
    return { schedule: text, timezone: time.timezone };
  }

  /** Changing a name must not put off a run that is due. */
  #nextAfterChange(now: Schedule, merged: Schedule): ScheduleNext {
    const { nextDueAt } = now;
    const isSameTime = now.schedule === merged.schedule && now.timezone === merged.timezone;
    const isKept = isSameTime && merged.enabled && nextDueAt !== undefined;
    if (!isKept) return this.#nextOf(merged);
    if (now.jitterMs === merged.jitterMs) return { nextDueAt, nextRunAt: now.nextRunAt };
    return this.#nextOf(merged, nextDueAt);
  }

  #nextOf(schedule: ScheduleSettings & Pick<Schedule, 'id'>, knownDueAt?: number): ScheduleNext {
    const { timezone, enabled } = schedule;
    if (!enabled) return { nextDueAt: undefined, nextRunAt: undefined };
    const time = parseScheduleTime(schedule.schedule, { timezone, fallback: timezone });
    const nowMs = this.#parts.clock.nowMs();
    if (knownDueAt !== undefined) {
      return planNext(schedule, time, { afterMs: knownDueAt - 1, anchorMs: knownDueAt });
    }
    // What is due every so often is counted from a whole second.
    const anchorMs = nowMs - (nowMs % SECOND_MS);
    return planNext(schedule, time, { afterMs: nowMs, anchorMs });
  }

  #templateOf(
    id: ScheduleId,
    draft: JobTemplateDraft,
    former: JobTemplate | undefined,
  ): JobTemplate {
    const { secretBox: box, secretUsesOf: usesOf = () => [] } = this.#parts;
    const { kind, name, subject, spec, priority, maxAttempts, lanes } = draft;
    const sealedSecrets = sealSecrets(draft, { box, id, former, usesOf });
    return { kind, name, subject, spec, sealedSecrets, priority, maxAttempts, lanes };
  }
}

function parseId(id: string): ScheduleId {
  if (isScheduleId(id)) return id;
  throw invalidArgument(
    'id',
    'must have 1 to 100 letters, digits or . _ - and begin with a letter or digit',
  );
}

function notFound(id: string): DroverError {
  const shown = isScheduleId(id) ? ` ${id}` : '';
  return new DroverError('not_found', `there is no schedule${shown}`, {
    reason: 'SCHEDULE_NOT_FOUND',
  });
}
