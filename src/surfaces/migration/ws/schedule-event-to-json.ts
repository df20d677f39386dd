import type { ScheduleEvent } from '#events/event.ts';

export function scheduleEventToJson(event: ScheduleEvent): object {
  return {
    schedule_id: event.scheduleId,
    event: event.kind.slice('schedule.'.length),
    schedule_name: event.scheduleName,
    job_id: event.jobId ?? null,
    manual: event.isManual,
    message: event.message,
  };
}
