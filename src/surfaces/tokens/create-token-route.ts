/** `POST /api/v1/tokens`: makes one. Who made which is in the log; the secret is not. */
import type { FastifyInstance } from 'fastify';
import { principalToLogId } from '#access/principal.ts';
import { parseNewToken } from './parse-new-token.ts';
import { TOKENS_PATH, changingOperator, type TokenRoutesParts } from './token-routes-parts.ts';
import { tokenToJson } from './token-to-json.ts';

export function registerCreateToken(app: FastifyInstance, parts: TokenRoutesParts): void {
  const { tokens, clock, log } = parts;
  app.post(TOKENS_PATH, async (request, reply) => {
    const principal = changingOperator(request);
    const wanted = parseNewToken(request.body, clock.nowMs());
    const { token, secret } = await tokens.createTokenFor(principal, wanted);
    const { id, name, scope } = token;
    log.info({ id, name, scope, by: principalToLogId(principal) }, 'an API token was made');
    void reply.code(201);
    const facts = { nowMs: clock.nowMs(), ownId: principal.tokenId };
    return { ...tokenToJson(token, facts), token: secret };
  });
}
