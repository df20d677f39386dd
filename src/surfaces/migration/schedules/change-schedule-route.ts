/** `PUT /schedules/{id}`: what is left out stays as it is. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { parseScheduleChanges, SCHEDULE_FIELDS } from './parse-schedule.ts';
import { scheduleToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerChangeSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.put<ScheduleParams>('/schedules/:id', async ({ params, body }) => {
    const schedule = await schedules.change(params.id, parseScheduleChanges(body));
    const warnings = nearMisses(body, SCHEDULE_FIELDS);
    return {
      message: 'schedule updated successfully',
      schedule: scheduleToJson(schedule),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
