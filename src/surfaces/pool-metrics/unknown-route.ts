/** What is asked for below this surface's paths and is not there: a 404 that says what is. */
import type { FastifyInstance } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { OPENAPI_PATH, PATHS } from './paths.ts';

export function registerUnknown(app: FastifyInstance): void {
  const known = [...Object.values(PATHS).map(([documented]) => documented), OPENAPI_PATH];
  for (const folder of ['/metrics/api', '/metrics/admin']) {
    app.get(`${folder}/*`, { config: { public: true } }, async (request) => {
      const path = request.url.split('?', 1)[0] ?? '';
      throw new DroverError(
        'not_found',
        `there is nothing at this path; what there is of the pool: ${known.join(', ')}`,
        { reason: 'PATH_NOT_FOUND', metadata: { path: path.slice(0, 256) } },
      );
    });
  }
}
