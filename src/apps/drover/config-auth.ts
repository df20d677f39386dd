/** Decides which tokens are accepted, and refuses what would let anybody in by accident. */
import { isLoopback } from './config-addresses.ts';
import type { ConfigReader } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';

export interface JwtConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly keys:
    | { readonly kind: 'url'; readonly jwksUrl: string }
    | { readonly kind: 'file'; readonly path: string };
  readonly customerClaim: string;
  readonly operator: { readonly claim: string; readonly value: string };
}

/** API tokens are accepted in every mode: each was made on purpose. */
export interface AuthConfig {
  readonly mode: 'dev' | 'token' | 'jwt';
  readonly jwt: JwtConfig | undefined;
}

/** Any of these says that JWTs are wanted; the claims have defaults. */
const JWT_SETTINGS = [
  SETTINGS.jwtIssuer,
  SETTINGS.jwtAudience,
  SETTINGS.jwksUrl,
  SETTINGS.jwtPublicKeyFile,
] as const;

export function resolveAuth(
  reader: ConfigReader,
  { host, insecure }: { readonly host: string; readonly insecure: boolean },
): AuthConfig {
  const wanted = reader.read(SETTINGS.authMode);
  const givenJwt = JWT_SETTINGS.find((setting) => reader.isGiven(setting));
  const jwt = readJwt(reader, givenJwt !== undefined || wanted === 'jwt');
  const fitting = givenJwt === undefined ? 'dev' : 'jwt';
  const mode = wanted === 'auto' ? fitting : wanted;
  if (mode === 'token' && givenJwt !== undefined) {
    reader.refuse(
      givenJwt,
      'has no effect while auth.mode is token; make that jwt, or remove this',
    );
  }
  if (mode === 'dev' && !isLoopback(host) && !insecure) {
    reader.refuse(
      SETTINGS.host,
      `${host} can be reached by others, and dev tokens would let all of them in; set ` +
        'auth.mode to token (`drover token create` makes one) or configure auth.jwt, ' +
        'or say --insecure',
    );
  }
  return { mode, jwt };
}

function readJwt(reader: ConfigReader, isWanted: boolean): JwtConfig | undefined {
  const issuer = reader.read(SETTINGS.jwtIssuer);
  const audience = reader.read(SETTINGS.jwtAudience);
  const keys = readKeys(reader, isWanted);
  const customerClaim = reader.read(SETTINGS.jwtCustomerClaim);
  const claim = reader.read(SETTINGS.jwtOperatorClaim);
  const value = reader.read(SETTINGS.jwtOperatorValue);
  if (!isWanted) return undefined;
  if (issuer === undefined) reader.refuse(SETTINGS.jwtIssuer, 'is needed to accept JWTs');
  if (audience === undefined) reader.refuse(SETTINGS.jwtAudience, 'is needed to accept JWTs');
  if (issuer === undefined || audience === undefined || keys === undefined) return undefined;
  return { issuer, audience, keys, customerClaim, operator: { claim, value } };
}

function readKeys(reader: ConfigReader, isWanted: boolean): JwtConfig['keys'] | undefined {
  const jwksUrl = reader.read(SETTINGS.jwksUrl);
  const path = reader.read(SETTINGS.jwtPublicKeyFile);
  if (jwksUrl !== undefined && path !== undefined) {
    reader.refuse(SETTINGS.jwtPublicKeyFile, 'contradicts auth.jwt.jwksUrl; keep one of the two');
  }
  if (jwksUrl !== undefined) {
    const url = new URL(jwksUrl);
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      reader.refuse(SETTINGS.jwksUrl, 'must be https: whoever changes the keys on the way gets in');
    }
    return { kind: 'url', jwksUrl };
  }
  if (path !== undefined) return { kind: 'file', path };
  if (isWanted) {
    reader.refuse(SETTINGS.jwksUrl, 'is needed to accept JWTs, or auth.jwt.publicKeyFile is');
  }
  return undefined;
}
