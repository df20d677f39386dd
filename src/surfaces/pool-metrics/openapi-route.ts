/** `GET /metrics/api/metrics/openapi.json`: the description of this surface. */
import type { FastifyInstance } from 'fastify';
import { OPENAPI_PATH } from './paths.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';

export function registerOpenApi(
  app: FastifyInstance,
  { version }: Pick<PoolMetricsParts, 'version'>,
): void {
  app.get(OPENAPI_PATH, { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    const { createOpenApi } = await import('./openapi.ts');
    return createOpenApi(version);
  });
}
