/** Events as the subscribers of this API know them: `{event, timestamp, data}`. */
import type { EventKind, JobEvent, RecordedEvent, ScheduleEvent } from '#events/event.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { RenderedEvent, WebhookFormat } from '#webhooks/webhook-format.ts';

export const MIGRATION_FORMAT = 'migration';
/** Of those that the configuration names, so that whoever changes the others cannot reach them. */
const CONFIGURED_FORMAT = 'migration-config';

/** Each is called what the kind of the event is called. */
export const MIGRATION_EVENT_TYPES = [
  ...(['job.submitted', 'job.started', 'job.progress', 'job.completed', 'job.failed'] as const),
  'job.cancelled',
  ...(['schedule.triggered', 'schedule.completed', 'schedule.failed'] as const),
] as const satisfies readonly EventKind[];

type Data = Readonly<Record<string, unknown>>;

export const migrationFormat: WebhookFormat = {
  name: MIGRATION_FORMAT,
  eventTypes: MIGRATION_EVENT_TYPES,
  kindsOf: (eventType) => MIGRATION_EVENT_TYPES.filter((type) => type === eventType),
  render(recorded) {
    const data = dataOf(recorded);
    return data === undefined ? undefined : toRendered(recorded.event.kind, recorded.at, data);
  },
  renderTest: (eventType, atMs) =>
    toRendered(eventType, atMs, { message: 'This is a test webhook', test: true }),
  headers: ({ eventType }) => ({
    'Content-Type': 'application/json',
    'User-Agent': 'HyperSDK-Webhook/1.0',
    'X-Webhook-Event': eventType,
  }),
};

export const configuredFormat: WebhookFormat = { ...migrationFormat, name: CONFIGURED_FORMAT };

function toRendered(eventType: string, atMs: number, data: Data): RenderedEvent {
  const envelope = { event: eventType, timestamp: toIsoTime(atMs), data };
  return { eventType, body: Buffer.from(JSON.stringify(envelope)) };
}

function dataOf({ event }: RecordedEvent): Data | undefined {
  switch (event.kind) {
    case 'job.submitted':
    case 'job.started':
    case 'job.cancelled':
      return jobToData(event);
    case 'job.progress':
      return {
        ...jobToData(event),
        ...{ phase: event.stage, stage: event.stage, percent_complete: event.percent },
        ...{ bytes_done: event.doneBytes, bytes_total: event.totalBytes ?? null },
      };
    case 'job.completed':
      return {
        ...jobToData(event),
        duration_seconds: event.durationMs / SECOND_MS,
        ovf_path: event.result['ovf_path'] ?? null,
        exported_files: event.result['output_files'] ?? [],
        result: event.result,
      };
    case 'job.failed':
      return {
        ...jobToData(event),
        duration_seconds: event.durationMs / SECOND_MS,
        ...{ error: event.error, error_kind: event.errorKind },
      };
    case 'schedule.triggered':
    case 'schedule.completed':
    case 'schedule.failed':
      return scheduleToData(event);
    default:
      return undefined;
  }
}

function jobToData(event: JobEvent): Data {
  const { jobId, name, subject, attempt, batchId, scheduleId } = event;
  return {
    ...{ job_id: jobId, job_name: name ?? '', vm_path: subject, attempt },
    ...(batchId !== undefined && { batch_id: batchId }),
    ...(scheduleId !== undefined && { schedule_id: scheduleId }),
  };
}

function scheduleToData(event: ScheduleEvent): Data {
  const { scheduleId, scheduleName, jobId, isManual, message } = event;
  return {
    ...{ schedule_id: scheduleId, schedule_name: scheduleName },
    ...{ job_id: jobId ?? null, manual: isManual, message },
  };
}
