/** `DELETE /schedules/{id}`: with its history; jobs it made go on. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import type { ScheduleParams } from './schedule-to-json.ts';

export function registerRemoveSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.delete<ScheduleParams>('/schedules/:id', async ({ params }) => {
    await schedules.remove(params.id);
    return { message: 'schedule deleted successfully', timestamp: toIsoTime(clock.nowMs()) };
  });
}
