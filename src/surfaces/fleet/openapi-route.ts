/** `GET /api/openapi.json`: the description of this surface. */
import type { FastifyInstance } from 'fastify';
import type { FleetParts } from './fleet-parts.ts';

export const OPENAPI_PATH = '/api/openapi.json';

export function registerOpenApi(app: FastifyInstance, { version }: FleetParts): void {
  app.get(OPENAPI_PATH, { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    const { createFleetOpenApi } = await import('./openapi.ts');
    return createFleetOpenApi(version);
  });
}
