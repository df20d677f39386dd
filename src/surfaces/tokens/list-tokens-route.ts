/** `GET /api/v1/tokens?page_size=…&page_token=…`: the newest first, revoked ones too. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { isTokenId, type TokenPosition } from '#access/token-store.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { createPageToken, parsePageSize, parsePageToken } from '#surfaces/edge/paging.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import { TOKENS_PATH, type TokenRoutesParts } from './token-routes-parts.ts';
import { tokenToJson } from './token-to-json.ts';

const FILTER = 'tokens';

export function registerListTokens(
  app: FastifyInstance,
  { tokens, clock }: TokenRoutesParts,
): void {
  app.get(TOKENS_PATH, async (request) => {
    const principal = principalOf(request);
    assertOperator(principal);
    const query = new QueryParameters(request, ['page_size', 'page_token']);
    const size = parsePageSize(query.one('page_size'));
    const after = parsePosition(query.one('page_token'));
    const found = await tokens.listPage({ after, limit: size + 1 });
    const page = found.slice(0, size);
    const last = found.length > size ? page.at(-1) : undefined;
    const facts = { nowMs: clock.nowMs(), ownId: principal.tokenId };
    return {
      tokens: page.map((token) => tokenToJson(token, facts)),
      next_page_token: last === undefined ? '' : createPageToken(last, FILTER),
    };
  });
}

function parsePosition(text: string | undefined): TokenPosition | undefined {
  const position = parsePageToken(text, FILTER);
  if (position === undefined) return undefined;
  if (position.kind === 'keyset' && isTokenId(position.id)) {
    return { createdAt: position.createdAt, id: position.id };
  }
  throw invalidArgument('page_token', 'must be a next_page_token exactly as it was answered');
}
