/** `PUT /schedules/{id}`: what is left out stays as it is. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { checkTemplate } from './check-template.ts';
import { parseScheduleChanges, scheduleWarnings } from './parse-schedule.ts';
import { scheduleToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerChangeSchedule(
  app: FastifyInstance,
  { schedules, checkSubmission, clock }: MigrationParts,
): void {
  app.put<ScheduleParams>('/schedules/:id', async ({ params, body }) => {
    const changes = parseScheduleChanges(body);
    if (changes.template !== undefined) await checkTemplate(checkSubmission, changes.template);
    const schedule = await schedules.change(params.id, changes);
    const warnings = scheduleWarnings(body);
    return {
      message: 'schedule updated successfully',
      schedule: scheduleToJson(schedule),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
