/** `GET /api/v1/apps/openapi.json`: the description of this surface. */
import type { FastifyInstance } from 'fastify';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';

export function registerOpenApi(
  app: FastifyInstance,
  { version }: Pick<AppsParts, 'version'>,
): void {
  app.get('/api/v1/apps/openapi.json', { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    const { createOpenApi } = await import('./openapi.ts');
    return createOpenApi(version);
  });
}
