/** Every route of this surface. They ask who is there: authentication is registered before. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { registerCrossSiteGuard } from '#surfaces/edge/cross-site.ts';
import { errorToBody } from '#surfaces/edge/http-errors.ts';
import { registerBodyParsers, takeEveryType } from './body-parsers.ts';
import { registerConnectionRoutes } from './connections/connection-routes.ts';
import { registerJobRoutes } from './jobs/job-routes.ts';
import type { MigrationParts } from './migration-parts.ts';
import { registerOpenApi } from './openapi-route.ts';
import { registerScheduleRoutes } from './schedules/schedule-routes.ts';
import { registerCapabilities } from './status/capabilities-route.ts';
import { registerHealth } from './status/health-route.ts';
import { registerStatus } from './status/status-route.ts';
import { registerUploadRoutes } from './uploads/upload-routes.ts';
import { registerVmRoutes } from './vms/vm-routes.ts';
import { registerWebhookRoutes } from './webhooks/webhook-routes.ts';
import { registerSocket } from './ws/socket-route.ts';

const PATHS = [
  ...['/jobs', '/schedules', '/webhooks', '/vms', '/connections', '/status', '/capabilities'],
  ...['/uploads', '/ws', '/api/v1/migration'],
];

/** In a scope of its own. `isAlone`: there is nothing else on the listener. */
export function registerMigrationRoutes(
  app: FastifyInstance,
  parts: MigrationParts,
  { isAlone }: { readonly isAlone: boolean },
): void {
  app.errorForms.add(isAlone ? ['/'] : PATHS, (error, requestId) => ({
    error: error.message,
    timestamp: toIsoTime(parts.clock.nowMs()),
    ...errorToBody(error, requestId),
  }));
  registerBodyParsers(app);
  parts.metrics.observe(app);
  app.addHook('onRequest', async (request) => {
    const isOpen = request.is404 || request.routeOptions.config.public === true;
    if (!isOpen) assertOperator(principalOf(request));
  });
  registerCrossSiteGuard(app);
  if (isAlone) registerHealth(app);
  registerStatus(app, parts);
  registerCapabilities(app, parts);
  void app.register((scope, _options, done) => {
    takeEveryType(scope);
    registerJobRoutes(scope, parts);
    registerScheduleRoutes(scope, parts);
    done();
  });
  registerWebhookRoutes(app, parts);
  registerVmRoutes(app, parts);
  registerConnectionRoutes(app, parts);
  registerUploadRoutes(app, parts);
  registerSocket(app, parts);
  registerOpenApi(app, parts);
}
