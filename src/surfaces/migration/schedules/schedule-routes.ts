/** Jobs that are submitted when their time has come. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerChangeSchedule } from './change-schedule-route.ts';
import { registerCreateSchedule } from './create-schedule-route.ts';
import { registerGetSchedule } from './get-schedule-route.ts';
import { registerListSchedules } from './list-schedules-route.ts';
import { registerPreviewSchedule } from './preview-schedule-route.ts';
import { registerRemoveSchedule } from './remove-schedule-route.ts';
import { registerScheduleRuns } from './schedule-runs-route.ts';
import { registerScheduleStats } from './schedule-stats-route.ts';
import { registerSwitchSchedule } from './switch-schedule-routes.ts';
import { registerTriggerSchedule } from './trigger-schedule-route.ts';

export function registerScheduleRoutes(app: FastifyInstance, parts: MigrationParts): void {
  registerChangeSchedule(app, parts);
  registerCreateSchedule(app, parts);
  registerGetSchedule(app, parts);
  registerListSchedules(app, parts);
  registerPreviewSchedule(app, parts);
  registerRemoveSchedule(app, parts);
  registerScheduleRuns(app, parts);
  registerScheduleStats(app, parts);
  registerSwitchSchedule(app, parts);
  registerTriggerSchedule(app, parts);
}
