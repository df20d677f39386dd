/** `POST /schedules`: adds one. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { parseSchedule, SCHEDULE_FIELDS } from './parse-schedule.ts';
import { scheduleToJson } from './schedule-to-json.ts';

export function registerCreateSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.post('/schedules', async ({ body }, reply) => {
    const schedule = await schedules.create(parseSchedule(body));
    const warnings = nearMisses(body, SCHEDULE_FIELDS);
    void reply.code(201);
    return {
      message: 'schedule created successfully',
      schedule: scheduleToJson(schedule),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
