/** `POST /schedules/{id}/enable` and `/disable`; harmless where it is so already. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { scheduleToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerSwitchSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.post<ScheduleParams>('/schedules/:id/enable', async ({ params }) => {
    const schedule = scheduleToJson(await schedules.enable(params.id));
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'schedule enabled successfully', schedule, timestamp };
  });
  app.post<ScheduleParams>('/schedules/:id/disable', async ({ params }) => {
    const schedule = scheduleToJson(await schedules.disable(params.id));
    const timestamp = toIsoTime(clock.nowMs());
    return { message: 'schedule disabled successfully', schedule, timestamp };
  });
}
