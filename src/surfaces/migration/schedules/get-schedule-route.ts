/** `GET /schedules/{id}`: one of them. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { scheduleToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerGetSchedule(app: FastifyInstance, { schedules }: MigrationParts): void {
  app.get<ScheduleParams>('/schedules/:id', async ({ params }) =>
    scheduleToJson(await schedules.get(params.id)),
  );
}
