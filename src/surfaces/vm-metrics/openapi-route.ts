/** `GET /api/v1/openapi.json`: the description of this surface. */
import type { FastifyInstance } from 'fastify';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

export function registerOpenApi(
  app: FastifyInstance,
  { version }: Pick<VmMetricsParts, 'version'>,
): void {
  app.get('/api/v1/openapi.json', { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    // Loaded, and written anew, for who asks: that is seldom, and kept it would take memory.
    const { createOpenApi } = await import('./openapi.ts');
    return createOpenApi(version);
  });
}
