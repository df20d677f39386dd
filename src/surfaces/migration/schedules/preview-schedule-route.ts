/** `POST /schedules/preview`: when a schedule would be due, without adding one. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { parsePreview } from './parse-preview.ts';

export function registerPreviewSchedule(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.post('/schedules/preview', async ({ body }) => {
    const query = parsePreview(body);
    const { timezone, dues } = schedules.preview(query);
    return {
      ...{ schedule: query.schedule, timezone, next_runs: dues.map(toIsoTime) },
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
