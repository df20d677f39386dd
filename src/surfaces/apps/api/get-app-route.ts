/** `GET /api/v1/apps/{name}`. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { appToJson, viewsOf } from './app-to-json.ts';

export function registerGetApp(app: FastifyInstance, { apps, pool }: AppsParts): void {
  app.get('/api/v1/apps/:name', async (request, reply) => {
    assertOperator(principalOf(request));
    const { name } = request.params as { readonly name: string };
    void reply.header('cache-control', 'no-store');
    return appToJson(apps.get(name), viewsOf(pool));
  });
}
