/** Submitting jobs, following them, and ending them. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerCancel } from './cancel-route.ts';
import { registerChangeJob } from './change-job-route.ts';
import { registerCleanJob } from './clean-route.ts';
import { registerGetJob } from './get-job-route.ts';
import { registerJobEvents } from './job-events-route.ts';
import { registerJobLogs } from './job-logs-route.ts';
import { registerPreflight } from './preflight-route.ts';
import { registerJobProgress } from './progress-route.ts';
import { registerQuery } from './query-route.ts';
import { registerRemoveJob } from './remove-job-route.ts';
import { registerRetryJob } from './retry-route.ts';
import { registerSubmit } from './submit-route.ts';

export function registerJobRoutes(app: FastifyInstance, parts: MigrationParts): void {
  registerSubmit(app, parts);
  registerPreflight(app, parts);
  registerQuery(app, parts);
  registerCancel(app, parts);
  registerGetJob(app, parts);
  registerJobProgress(app, parts);
  registerJobEvents(app, parts);
  registerJobLogs(app, parts);
  registerRetryJob(app, parts);
  registerCleanJob(app, parts);
  registerChangeJob(app, parts);
  registerRemoveJob(app, parts);
}
