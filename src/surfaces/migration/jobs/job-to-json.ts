/** A job as this API answers it: the documented names first, then those of the original program. */
import { allowedCommands } from '#jobs/job-rules.ts';
import { isEnded, type Job, type JobPart, type JobProgress, type JsonObject } from '#jobs/job.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { bandwidthLimitOf } from '#transfers/parse-controls.ts';
import { definitionToJson, withoutSecrets } from './definition-to-json.ts';

const MEGABIT = 1_000_000;

export function jobToJson(job: Job): JsonObject {
  const { error, result, state } = job;
  return {
    definition: definitionToJson(job),
    status: state,
    progress: progressToJson(job),
    started_at: toTime(job.startedAt),
    completed_at: toTime(job.endedAt),
    updated_at: toIsoTime(job.updatedAt),
    // Of an attempt that is followed by another only `last_error` tells.
    error: state === 'failed' ? (error?.message ?? 'it failed') : null,
    last_error: error ?? null,
    result: result === undefined ? null : withoutSecrets(result),
    attempts: job.attempt,
    max_attempts: job.maxAttempts,
    next_attempt_at: state === 'pending' ? toIsoTime(job.runAfter) : null,
    cancel_requested: job.isCancelRequested && !isEnded(state),
    commands: allowedCommands(job),
    controls: controlsToJson(job),
    worker: state === 'running' ? (job.leasedBy ?? null) : null,
  };
}

/** As they are in force, wherever they were said. */
function controlsToJson(job: Job): JsonObject {
  const { bandwidth_limit: _stored, ...others } = withoutSecrets(job.controls);
  const limit = bandwidthLimitOf(job);
  return { ...others, ...(limit !== undefined && { bandwidth_limit: limit }) };
}

/** Clients read it from the moment of the submission on, so there always is one. */
export function progressToJson({ state, progress }: Job): JsonObject {
  const stage = progress?.stage ?? state;
  const percent = state === 'completed' ? 100 : (progress?.percent ?? 0);
  const doneBytes = progress?.doneBytes ?? 0;
  const rate = state === 'running' ? progress?.bytesPerSecond : undefined;
  return {
    stage,
    percent_complete: Math.round(percent * 100) / 100,
    current_bytes: doneBytes,
    total_bytes: progress?.totalBytes ?? null,
    phase: stage,
    bytes_downloaded: doneBytes,
    bytes_transferred: doneBytes,
    bytes_per_second: rate === undefined ? null : Math.round(rate),
    transfer_rate_mbps: rate === undefined ? null : Math.round((rate * 800) / MEGABIT) / 100,
    estimated_remaining: state === 'running' ? toWhole(progress?.secondsLeft) : null,
    current_step: progress?.message ?? null,
    ...disksToJson(progress),
  };
}

/** How long it has been at work, or was. */
export function elapsedSeconds({ startedAt, endedAt }: Job, nowMs: number): number {
  if (startedAt === undefined) return 0;
  return Math.max(0, Math.round(((endedAt ?? nowMs) - startedAt) / SECOND_MS));
}

function disksToJson(progress: JobProgress | undefined): JsonObject {
  const parts = progress?.parts ?? [];
  const done = parts.filter(isDone).length;
  return {
    files_downloaded: done,
    total_files: parts.length,
    disks: parts.map((part) => ({
      name: part.name,
      current_bytes: part.doneBytes,
      total_bytes: part.totalBytes ?? null,
      percent_complete: percentOf(part),
    })),
  };
}

function isDone({ doneBytes, totalBytes }: JobPart): boolean {
  return totalBytes !== undefined && doneBytes >= totalBytes;
}

function percentOf({ doneBytes, totalBytes }: JobPart): number | null {
  if (totalBytes === undefined) return null;
  if (totalBytes === 0) return 100;
  return Math.min(100, Math.round((doneBytes / totalBytes) * 10_000) / 100);
}

function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : toIsoTime(ms);
}

function toWhole(value: number | undefined): number | null {
  return value === undefined ? null : Math.ceil(value);
}
