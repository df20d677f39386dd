/** `GET /api/v1/migration/openapi.json`: the description of this surface. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from './migration-parts.ts';

export function registerOpenApi(
  app: FastifyInstance,
  { version }: Pick<MigrationParts, 'version'>,
): void {
  const path = '/api/v1/migration/openapi.json';
  app.get(path, { config: { public: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'no-cache');
    const { createMigrationOpenApi } = await import('./openapi.ts');
    return createMigrationOpenApi(version);
  });
}
