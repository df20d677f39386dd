import type { FastifyRequest } from 'fastify';
import { assertMayChange, assertOperator, type OperatorPrincipal } from '#access/principal.ts';
import type { TokenService } from '#access/token-service.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';

export const TOKENS_PATH = '/api/v1/tokens';

export interface TokenRoutesParts {
  readonly tokens: Pick<TokenService, 'createTokenFor' | 'listPage' | 'revokeToken'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who may make tokens and take them back. */
export function changingOperator(request: FastifyRequest): OperatorPrincipal {
  const principal = principalOf(request);
  assertOperator(principal);
  assertMayChange(principal);
  return principal;
}
