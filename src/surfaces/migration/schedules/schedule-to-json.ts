/** Schedules and their runs as this API answers them: the documented fields first. */
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { ScheduleStats } from '#schedules/schedule-store.ts';
import type { Schedule, ScheduleRun } from '#schedules/schedule.ts';
import { specToJson } from '#surfaces/migration/jobs/definition-to-json.ts';

export interface ScheduleParams {
  readonly Params: { readonly id: string };
}

export function scheduleToJson(schedule: Schedule): object {
  const { template } = schedule;
  return {
    id: schedule.id,
    name: schedule.name,
    schedule: schedule.schedule,
    enabled: schedule.enabled,
    job_template: {
      vm_path: template.subject,
      name: template.name ?? null,
      ...specToJson(template),
      priority: template.priority ?? 0,
      max_attempts: template.maxAttempts ?? null,
    },
    last_run: toTime(schedule.lastRunAt),
    next_run: toTime(schedule.nextRunAt),
    run_count: schedule.runCount,
    description: schedule.description,
    timezone: schedule.timezone,
    missed: schedule.missed,
    overlap: schedule.overlap,
    jitter: schedule.jitterMs / SECOND_MS,
    tags: schedule.tags,
    successful_runs: schedule.successfulRuns,
    failed_runs: schedule.failedRuns,
    created_at: toIsoTime(schedule.createdAt),
    updated_at: toIsoTime(schedule.updatedAt),
  };
}

export function runToJson(run: ScheduleRun): object {
  return {
    sequence: run.sequence,
    schedule_id: run.scheduleId,
    due_at: toIsoTime(run.dueAt),
    manual: run.isManual,
    status: run.state,
    job_id: run.jobId ?? null,
    started_at: toTime(run.startedAt),
    ended_at: toTime(run.endedAt),
    message: run.message ?? null,
  };
}

export function statsToJson(stats: ScheduleStats): object {
  return {
    total_schedules: stats.total,
    enabled_schedules: stats.enabled,
    disabled_schedules: stats.disabled,
    total_runs: stats.totalRuns,
    successful_runs: stats.successfulRuns,
    failed_runs: stats.failedRuns,
    next_running: toTime(stats.nextRunAt),
  };
}

function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : toIsoTime(ms);
}
