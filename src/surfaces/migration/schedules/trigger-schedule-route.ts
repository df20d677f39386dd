/** `POST /schedules/{id}/trigger`: a run now, also of one that is disabled. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { runToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerTriggerSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.post<ScheduleParams>('/schedules/:id/trigger', async ({ params }) => {
    const run = await schedules.trigger(params.id);
    return {
      message: 'schedule triggered successfully',
      job_id: run.jobId ?? null,
      run: runToJson(run),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
