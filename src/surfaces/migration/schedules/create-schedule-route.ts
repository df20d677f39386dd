/** `POST /schedules`: adds one. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseSchedule, scheduleWarnings } from './parse-schedule.ts';
import { checkTemplate } from './check-template.ts';
import { scheduleToJson } from './schedule-to-json.ts';

export function registerCreateSchedule(
  app: FastifyInstance,
  { schedules, checkSubmission, clock }: MigrationParts,
): void {
  app.post('/schedules', async ({ body }, reply) => {
    const draft = parseSchedule(body);
    await checkTemplate(checkSubmission, draft.template);
    const schedule = await schedules.create(draft);
    const warnings = scheduleWarnings(body);
    void reply.code(201);
    return {
      message: 'schedule created successfully',
      schedule: scheduleToJson(schedule),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
