/** API tokens, for operators: `/api/v1/tokens`. A secret is in one answer, and never again. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '#access/authenticator.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { registerCreateToken } from './create-token-route.ts';
import { registerListTokens } from './list-tokens-route.ts';
import { registerRevokeToken } from './revoke-token-route.ts';
import { TOKENS_PATH, type TokenRoutesParts } from './token-routes-parts.ts';

export interface MountTokensParts extends TokenRoutesParts {
  readonly authenticator: Authenticator;
  readonly version: string;
}

export function mountTokens(app: FastifyInstance, parts: MountTokensParts): void {
  // In a scope of its own: a token is wanted here even where other APIs are open to all.
  void app.register((scope, _options, done) => {
    registerAuthentication(scope, parts.authenticator);
    scope.addHook('onRequest', (_request, reply, next) => {
      void reply.header('cache-control', 'no-store');
      next();
    });
    registerListTokens(scope, parts);
    registerCreateToken(scope, parts);
    registerRevokeToken(scope, parts);
    scope.get(`${TOKENS_PATH}/openapi.json`, { config: { public: true } }, async () => {
      const { createTokensOpenApi } = await import('./openapi.ts');
      return createTokensOpenApi(parts.version);
    });
    done();
  });
}
