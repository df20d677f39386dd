/** `DELETE /api/v1/apps/{name}`, or with `?version=` one version of it. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';

export function registerRemoveApp(app: FastifyInstance, { apps }: AppsParts): void {
  app.delete('/api/v1/apps/:name', async (request, reply) => {
    assertOperator(principalOf(request));
    const { name } = request.params as { readonly name: string };
    const version = new QueryParameters(request, ['version']).one('version');
    await apps.remove(name, version);
    return await reply.code(204).send();
  });
}
