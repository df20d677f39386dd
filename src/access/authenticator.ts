/**
 * Turns the Authorization header into a principal. Three kinds of token, told apart by their
 * look: `dev_…` (development only), `drover_…` (API tokens) and everything with two dots (JWT).
 * No message repeats a token or a part of one.
 */
import { DroverError } from '#kernel/errors.ts';
import { isCustomerId } from '#kernel/ids.ts';
import { invalidToken } from './invalid-token.ts';
import type { JwtVerifier } from './jwt-verifier.ts';
import type { Principal } from './principal.ts';
import type { TokenService } from './token-service.ts';

export interface AuthenticatorOptions {
  /** Accepts `dev_customer_<id>`, `dev_user_<id>` and `dev_operator` without any proof. */
  readonly devMode: boolean;
  readonly jwt?: JwtVerifier;
  readonly tokens?: TokenService;
}

// Longer than any token in use; what is longer is not worth hashing or parsing.
const MAX_TOKEN_CHARS = 16 * 1024;
const BEARER = /^bearer +([^\s]+) *$/i;
const DEV_CUSTOMER = /^dev_(?:customer|user)_(.*)$/;
const DEV_OPERATOR = 'dev_operator';

export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Answers who asks, or throws `unauthenticated`; `unavailable` when it cannot find out. Most are
   * known already: a promise, and the signal of the caller, are only made where something has to
   * be waited for.
   */
  authenticate(
    authorizationHeader: string | undefined,
    signal: () => AbortSignal,
  ): Principal | Promise<Principal> {
    const token = parseBearer(authorizationHeader);
    const { jwt, tokens, devMode } = this.#options;
    if (token.startsWith('dev_')) {
      if (!devMode) throw devRefused();
      return devPrincipal(token);
    }
    if (token.startsWith('drover_')) {
      const found = tokens?.verify(token, signal);
      return found instanceof Promise ? found.then(assertKnown) : assertKnown(found);
    }
    if (jwt !== undefined && token.split('.').length === 3) return jwt.verify(token, signal());
    throw invalidToken(`the token is not of a kind accepted here; send ${this.#accepted()}`);
  }

  #accepted(): string {
    const { jwt, tokens, devMode } = this.#options;
    const kinds = [
      ...(devMode ? ["'dev_customer_<id>'"] : []),
      ...(tokens === undefined ? [] : ['an API token']),
      ...(jwt === undefined ? [] : ['a JWT of the configured issuer']),
    ];
    return kinds.length === 0 ? 'nothing: no way to sign in is configured' : kinds.join(' or ');
  }
}

function assertKnown(principal: Principal | undefined): Principal {
  if (principal !== undefined) return principal;
  throw invalidToken('the API token is unknown, revoked or expired');
}

function parseBearer(header = ''): string {
  const token = header.length > MAX_TOKEN_CHARS ? undefined : BEARER.exec(header)?.[1];
  if (token !== undefined) return token;
  if (header.trim() !== '') {
    throw invalidToken("authorization header must be 'Bearer <token>'");
  }
  throw new DroverError(
    'unauthenticated',
    "authorization header is missing; send 'Authorization: Bearer <token>'",
    { reason: 'MISSING_TOKEN' },
  );
}

function devPrincipal(token: string): Principal {
  if (token === DEV_OPERATOR) {
    return { kind: 'operator', name: 'dev', via: 'dev', scopes: ['operator'] };
  }
  const id = DEV_CUSTOMER.exec(token)?.[1];
  if (id !== undefined && isCustomerId(id)) {
    return { kind: 'customer', customerId: id, via: 'dev', scopes: ['customer'] };
  }
  throw invalidToken(
    'a dev token is dev_customer_<id>, dev_user_<id> or dev_operator, ' +
      'and the id is 1 to 128 letters, digits or _ . @ : -, starting with a letter or digit',
  );
}

function devRefused(): DroverError {
  return new DroverError(
    'unauthenticated',
    'dev tokens are not accepted here; send an API token or a JWT of the configured issuer',
    { reason: 'DEV_TOKEN_REFUSED' },
  );
}
