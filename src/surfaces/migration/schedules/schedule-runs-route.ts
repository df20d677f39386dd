/** `GET /schedules/{id}/runs`: what became of its runs, the newest first. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parseRunsQuery } from './parse-schedule.ts';
import { runToJson, type ScheduleParams } from './schedule-to-json.ts';

export function registerScheduleRuns(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.get<ScheduleParams>('/schedules/:id/runs', async ({ params, query }) => {
    const page = parseRunsQuery(query);
    const runs = await schedules.runs(params.id, page);
    return {
      runs: runs.map(runToJson),
      // Null: these were the oldest.
      next_before: runs.length === page.limit ? (runs.at(-1)?.sequence ?? null) : null,
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
