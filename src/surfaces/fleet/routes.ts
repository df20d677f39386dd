/** Every route of this surface. They ask who is there: authentication is registered before. */
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { DroverError } from '#kernel/errors.ts';
import { errorToBody, toHttpFailure } from '#surfaces/edge/http-errors.ts';
import type { FleetParts } from './fleet-parts.ts';
import { registerIndex } from './index-route.ts';
import { registerOpenApi } from './openapi-route.ts';
import { registerOverview } from './overview-routes.ts';
import { registerServers } from './server-routes.ts';
import { registerSocket } from './ws/socket-route.ts';

/** Below these, failures look as the document of this API has them. */
const PATHS = [
  ...['/api/servers', '/api/ai-server', '/api/app-server', '/api/storage-server'],
  ...['/api/metrics/prometheus', '/api/health', '/ws/metrics'],
];

/** In a scope of its own. `isAlone`: there is nothing else on the listener. */
export function registerFleetRoutes(
  app: FastifyInstance,
  parts: FleetParts,
  { isAlone }: { readonly isAlone: boolean },
): void {
  app.errorForms.add(isAlone ? ['/'] : PATHS, (error: DroverError, requestId) => ({
    error: STATUS_CODES[toHttpFailure(error).status] ?? 'Error',
    detail: error.message,
    timestamp: toIsoTime(parts.clock.nowMs()),
    status: 'error',
    ...errorToBody(error, requestId),
  }));
  if (isAlone) registerIndex(app, parts);
  registerOverview(app, parts);
  registerServers(app, parts);
  registerSocket(app, parts);
  registerOpenApi(app, parts);
}
