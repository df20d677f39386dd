/** Which servers are watched: `/api/v1/servers`. How they are is told by `/api/servers`. */
import type { FastifyInstance } from 'fastify';
import { registerServerChanges } from './change-servers-routes.ts';
import { registerServerReads } from './read-servers-routes.ts';
import type { ServerRoutesParts } from './server-routes-parts.ts';

export function registerServerRoutes(app: FastifyInstance, parts: ServerRoutesParts): void {
  registerServerReads(app, parts);
  registerServerChanges(app, parts);
}
