/** `GET /schedules/stats`: over all of them. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { statsToJson } from './schedule-to-json.ts';

export function registerScheduleStats(
  app: FastifyInstance,
  { schedules, clock }: MigrationParts,
): void {
  app.get('/schedules/stats', async () => ({
    ...statsToJson(await schedules.stats()),
    timestamp: toIsoTime(clock.nowMs()),
  }));
}
