/** Schedules in memory, whose time never comes. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import type { ScheduleChanges, ScheduleDraft } from '#schedules/schedule-draft.ts';
import type { Preview, PreviewQuery } from '#schedules/schedule-service.ts';
import { parseScheduleTime } from '#schedules/schedule-time.ts';
import type { Schedule, ScheduleRun } from '#schedules/schedule.ts';
import type { Schedules } from '#surfaces/migration/migration-parts.ts';

export class FakeSchedules implements Schedules {
  readonly all = new Map<string, Schedule>();
  readonly history: ScheduleRun[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async create(draft: ScheduleDraft): Promise<Schedule> {
    const { id = 'made-up', template, ...settings } = draft;
    if (this.all.has(id)) throw new DroverError('already_exists', `there is a schedule ${id}`);
    const nowMs = this.#clock.nowMs();
    const time = parseScheduleTime(draft.schedule, { timezone: draft.timezone, fallback: 'UTC' });
    const schedule: Schedule = {
      ...{ id: id as ScheduleId, name: id, description: '', enabled: true, missed: 'once' },
      ...{ overlap: 'skip', jitterMs: 0, tags: [], ...given(settings) },
      ...{ schedule: draft.schedule, timezone: time.timezone },
      template: {
        ...{ kind: template.kind, name: template.name, subject: template.subject },
        ...{ spec: template.spec, lanes: template.lanes, priority: template.priority },
        ...{ sealedSecrets: undefined, maxAttempts: template.maxAttempts },
      },
      ...{ nextDueAt: nowMs, nextRunAt: time.nextAfter(nowMs, nowMs) },
      ...{ createdAt: nowMs, updatedAt: nowMs, lastRunAt: undefined },
      ...{ runCount: 0, successfulRuns: 0, failedRuns: 0 },
    };
    this.all.set(id, schedule);
    return schedule;
  }

  preview({ schedule, timezone, afterMs = this.#clock.nowMs() }: PreviewQuery): Preview {
    const time = parseScheduleTime(schedule, { timezone, fallback: 'UTC' });
    return { timezone: time.timezone, dues: [time.nextAfter(afterMs, afterMs)] };
  }

  async get(id: string): Promise<Schedule> {
    const schedule = this.all.get(id);
    if (schedule !== undefined) return schedule;
    throw new DroverError('not_found', `there is no schedule ${id}`);
  }

  async list() {
    return { schedules: [...this.all.values()], total: this.all.size };
  }

  async change(id: string, { template: _, ...changes }: ScheduleChanges): Promise<Schedule> {
    const changed = { ...(await this.get(id)), ...given(changes) };
    parseScheduleTime(changed.schedule, { timezone: undefined, fallback: 'UTC' });
    this.all.set(id, changed);
    return changed;
  }

  async enable(id: string): Promise<Schedule> {
    return await this.change(id, { enabled: true });
  }

  async disable(id: string): Promise<Schedule> {
    return await this.change(id, { enabled: false });
  }

  async remove(id: string): Promise<void> {
    await this.get(id);
    this.all.delete(id);
  }

  async trigger(id: string): Promise<ScheduleRun> {
    const { id: scheduleId } = await this.get(id);
    const nowMs = this.#clock.nowMs();
    const run: ScheduleRun = {
      ...{ sequence: this.history.length + 1, scheduleId, dueAt: nowMs, isManual: true },
      ...{ state: 'running', jobId: 'run-1' as JobId, startedAt: nowMs },
      ...{ endedAt: undefined, message: undefined },
    };
    this.history.unshift(run);
    return run;
  }

  async runs(id: string, { limit }: { readonly limit: number }): Promise<readonly ScheduleRun[]> {
    await this.get(id);
    return this.history.slice(0, limit);
  }

  async stats() {
    const enabled = [...this.all.values()].filter((schedule) => schedule.enabled).length;
    return {
      ...{ total: this.all.size, enabled, disabled: this.all.size - enabled },
      ...{ totalRuns: 150, successfulRuns: 145, failedRuns: 5, nextRunAt: undefined },
    };
  }
}

/** Without what is undefined, which means: as it is. */
function given<T extends object>(changes: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}
