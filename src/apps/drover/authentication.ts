/** Makes the authenticator that the configuration asks for, and the tokens that it looks up. */
import { readFile } from 'node:fs/promises';
import { Authenticator } from '#access/authenticator.ts';
import { TokenService } from '#access/token-service.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Stores } from '#stores/create-stores.ts';
import type { Logger } from '#surfaces/edge/logger.ts';
import type { ParsedConfig } from './config.ts';

export interface Access {
  readonly authenticator: Authenticator;
  /** The one that is asked: what it revokes is refused from that moment on. */
  readonly tokens: TokenService;
}

export async function createAuthenticator(
  { config }: ParsedConfig,
  { stores, clock, log }: { readonly stores: Stores; readonly clock: Clock; readonly log: Logger },
): Promise<Access> {
  const tokens = new TokenService({
    store: stores.tokens,
    clock,
    onTouchFailed: (error) => {
      log.warn({ error: toDroverError(error) }, 'the use of a token was not noted');
    },
  });
  const { jwt, mode } = config.auth;
  const devMode = mode === 'dev';
  if (jwt === undefined) return { authenticator: new Authenticator({ devMode, tokens }), tokens };
  // Loaded here: few need it, and it is large.
  const { createJwtVerifier } = await import('#access/jwt-verifier.ts');
  const keys =
    jwt.keys.kind === 'url'
      ? { jwksUrl: jwt.keys.jwksUrl }
      : { pem: await readFile(jwt.keys.path, 'utf8') };
  const verifier = createJwtVerifier({ ...jwt, keys, clock });
  return { authenticator: new Authenticator({ devMode, tokens, jwt: verifier }), tokens };
}
