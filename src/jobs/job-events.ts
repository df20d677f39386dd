/** Jobs as the events that tell of them. */
import type { JobEvent, JobProgressFields } from '#events/event.ts';
import type { Outcome } from './job-store.ts';
import type { Job, JobError } from './job.ts';

type Fields = Omit<Extract<JobEvent, { result: unknown }>, 'kind' | 'durationMs' | 'result'>;

function fieldsOf(job: Job, message: string): Fields {
  return {
    machineId: undefined,
    customerId: undefined,
    jobId: job.id,
    jobKind: job.kind,
    subject: job.subject,
    name: job.name,
    batchId: job.batchId,
    scheduleId: job.scheduleId,
    attempt: job.attempt,
    message,
  };
}

export function submittedEvent(job: Job): JobEvent {
  return { kind: 'job.submitted', ...fieldsOf(job, 'the job was submitted') };
}

export function startedEvent(job: Job): JobEvent {
  const message = job.attempt === 1 ? 'the job was started' : `attempt ${job.attempt} was started`;
  return { kind: 'job.started', ...fieldsOf(job, message) };
}

export function cancelledEvent(job: Job, message: string): JobEvent {
  return { kind: 'job.cancelled', ...fieldsOf(job, message) };
}

export function failedEvent(job: Job, error: JobError, at: number): JobEvent {
  const durationMs = Math.max(0, at - (job.startedAt ?? at));
  return {
    kind: 'job.failed',
    ...fieldsOf(job, error.message),
    ...{ durationMs, error: error.message, errorKind: error.kind },
  };
}

export function retryingEvent(job: Job, error: JobError, retryAt: number): JobEvent {
  return {
    kind: 'job.retrying',
    ...fieldsOf(job, error.message),
    ...{ error: error.message, errorKind: error.kind, retryAt },
  };
}

export function progressEvent(job: Job, progress: JobProgressFields, message: string): JobEvent {
  const { stage, percent, doneBytes, totalBytes } = progress;
  const fields = fieldsOf(job, message);
  return { kind: 'job.progress', ...fields, stage, percent, doneBytes, totalBytes };
}

/** What is told when an attempt is over. */
export function outcomeToEvent(job: Job, outcome: Outcome, told: Told): JobEvent {
  const { at, message } = told;
  switch (outcome.kind) {
    case 'completed': {
      const durationMs = Math.max(0, at - (job.startedAt ?? at));
      const result = JSON.parse(outcome.result) as Readonly<Record<string, unknown>>;
      return { kind: 'job.completed', ...fieldsOf(job, message), durationMs, result };
    }
    case 'failed':
      return failedEvent(job, outcome.error, at);
    case 'retrying':
      return retryingEvent(job, outcome.error, outcome.retryAt);
    case 'cancelled':
      return cancelledEvent(job, message);
    case 'released':
      return retryingEvent(job, { kind: 'unavailable', reason: 'RELEASED', message }, at);
  }
}

export interface Told {
  readonly at: number;
  readonly message: string;
}
