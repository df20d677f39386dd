/** `GET /api/v1/apps`: all of them, each with its versions and how its workers are. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { appToJson, viewsOf } from './app-to-json.ts';

export function registerListApps(app: FastifyInstance, { apps, pool }: AppsParts): void {
  app.get('/api/v1/apps', async (request, reply) => {
    assertOperator(principalOf(request));
    const views = viewsOf(pool);
    void reply.header('cache-control', 'no-store');
    return { apps: apps.list().map((each) => appToJson(each, views)) };
  });
}
