/** `GET /schedules`: all of them, or a page. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseScheduleQuery } from './parse-schedule.ts';
import { scheduleToJson } from './schedule-to-json.ts';

export function registerListSchedules(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.get('/schedules', async ({ query }) => {
    const { schedules: page, total } = await schedules.list(parseScheduleQuery(query));
    const timestamp = toIsoTime(clock.nowMs());
    return { schedules: page.map(scheduleToJson), total, timestamp };
  });
}
