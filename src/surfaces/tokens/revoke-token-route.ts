/** `DELETE /api/v1/tokens/{id}`: from then on it opens nothing. A second time changes nothing. */
import type { FastifyInstance } from 'fastify';
import { principalToLogId } from '#access/principal.ts';
import { TOKENS_PATH, changingOperator, type TokenRoutesParts } from './token-routes-parts.ts';

export function registerRevokeToken(app: FastifyInstance, { tokens, log }: TokenRoutesParts): void {
  app.delete<{ Params: { id: string } }>(`${TOKENS_PATH}/:id`, async (request, reply) => {
    const principal = changingOperator(request);
    const { id, name } = await tokens.revokeToken(request.params.id);
    log.info({ id, name, by: principalToLogId(principal) }, 'an API token was revoked');
    return await reply.code(204).send();
  });
}
