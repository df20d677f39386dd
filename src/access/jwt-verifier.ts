/**
 * Verifies JWTs of one issuer. Keys come from a JWKS URL, fetched when needed and kept, or from
 * PEM text (one or more public keys or certificates, so that keys can be rotated). Only
 * asymmetric algorithms count: a public key can then never be mistaken for a shared secret.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import type { FetchImplementation, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { isCustomerId } from '#kernel/ids.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import { invalidToken } from './invalid-token.ts';
import type { Principal } from './principal.ts';

export interface JwtOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Where the keys are: an https URL, http on loopback only, or the text of a PEM file. */
  readonly keys: { readonly jwksUrl: string } | { readonly pem: string };
  /** A claim name, or a dotted path into nested claims. Default `sub`. */
  readonly customerClaim?: string;
  /** Who has this value in this claim is an operator. Default `drover:operator` in `scope`. */
  readonly operator?: { readonly claim: string; readonly value: string };
  /** How far the issuer's clock may be off. Default 30 s. */
  readonly clockToleranceMs?: number;
  readonly clock: Clock;
}

export interface JwtVerifier {
  verify(token: string, signal: AbortSignal): Promise<Principal>;
}

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
const JWKS_TIMEOUT_MS = 3 * SECOND_MS;
const JWKS_RETRY_AFTER_MS = 1 * SECOND_MS;
const JWKS_MAX_BYTES = 1 * MIB;
const MAX_NAME_CHARS = 128;

/** Throws `invalid_argument` for settings that cannot work; reaches for no key yet. */
export function createJwtVerifier(options: JwtOptions): JwtVerifier {
  const keys =
    'pem' in options.keys
      ? parsePemKeys(options.keys.pem)
      : [createJwksKeys(options.keys.jwksUrl, options.clock)];
  return {
    async verify(token, signal) {
      const payload = await untilAborted(verifyWithAny(token, keys, options), signal);
      return payloadToPrincipal(payload, options);
    },
  };
}

type VerificationKey = KeyObject | JWTVerifyGetKey;

async function verifyWithAny(
  token: string,
  keys: readonly VerificationKey[],
  options: JwtOptions,
): Promise<JWTPayload> {
  const checks: JWTVerifyOptions = {
    issuer: options.issuer,
    audience: options.audience,
    algorithms: ALGORITHMS,
    requiredClaims: ['exp'],
    clockTolerance: (options.clockToleranceMs ?? 30 * SECOND_MS) / SECOND_MS,
    currentDate: new Date(options.clock.nowMs()),
  };
  let refusal: unknown;
  for (const key of keys) {
    try {
      // The overloads of jwtVerify take a key or a function, never either.
      const verified =
        typeof key === 'function'
          ? await jwtVerify(token, key, checks)
          : await jwtVerify(token, key, checks);
      return verified.payload;
    } catch (thrown) {
      refusal = thrown;
      if (!isWrongKey(thrown)) break;
    }
  }
  throw refusalToError(refusal);
}

/**
 * Whether another of the PEM keys may still fit. The claims are looked at only after a signature
 * verified; a key of the wrong type fails in the crypto library, with an error of its own.
 */
function isWrongKey(thrown: unknown): boolean {
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return true;
  return !(thrown instanceof errors.JOSEError || thrown instanceof DroverError);
}

function refusalToError(thrown: unknown): DroverError {
  if (thrown instanceof DroverError) return thrown;
  if (thrown instanceof errors.JWTExpired) {
    return new DroverError('unauthenticated', 'the token has expired; get a new one', {
      reason: 'TOKEN_EXPIRED',
      cause: thrown,
    });
  }
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    const claim = JSON.stringify(thrown.claim);
    return invalidToken(`the claim ${claim} of the token is not accepted here`, thrown);
  }
  if (thrown instanceof errors.JOSEAlgNotAllowed) {
    return invalidToken('the token is not signed with an accepted algorithm', thrown);
  }
  if (isJwksFailure(thrown)) return jwksUnavailable(thrown);
  return invalidToken('the token is malformed, or its signature does not verify', thrown);
}

function isJwksFailure(thrown: unknown): boolean {
  return (
    thrown instanceof errors.JWKSInvalid ||
    // The bare class is what a set that cannot be fetched or read as JSON is reported with.
    (thrown instanceof errors.JOSEError && thrown.code === 'ERR_JOSE_GENERIC')
  );
}

function jwksUnavailable(cause: unknown): DroverError {
  return new DroverError(
    'unavailable',
    'the keys that tokens are checked with cannot be fetched now; try again later',
    { reason: 'JWKS_UNAVAILABLE', cause },
  );
}

function createJwksKeys(text: string, clock: Clock): JWTVerifyGetKey {
  const url = parseJwksUrl(text);
  let failedAtMs = -Infinity;
  const fetchKeys: FetchImplementation = async (from, init) => {
    // Without a pause, each request that waits for an unreachable server would ask it again.
    if (clock.monotonicMs() - failedAtMs < JWKS_RETRY_AFTER_MS) throw jwksUnavailable('paused');
    try {
      const response = await fetch(from, init);
      if (response.status !== 200) throw new Error(`JWKS answered ${response.status}`);
      return new Response(await readBounded(response));
    } catch (cause) {
      failedAtMs = clock.monotonicMs();
      throw jwksUnavailable(cause);
    }
  };
  return createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    [customFetch]: fetchKeys,
  });
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > JWKS_MAX_BYTES) throw new Error(`JWKS is over ${JWKS_MAX_BYTES} bytes`);
  }
  return text;
}

function parseJwksUrl(text: string): URL {
  const url = URL.parse(text);
  const isLoopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url !== null && url.username === '' && url.password === '') {
    if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) return url;
  }
  throw invalidArgument('auth.jwt.jwks_url', 'must be an https URL, or http on loopback');
}

function parsePemKeys(pem: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g) ?? [];
  if (blocks.length === 0) {
    throw invalidArgument('auth.jwt.pem', 'must hold a PEM public key or certificate');
  }
  return blocks.map((block, at) => {
    if (block.includes('PRIVATE KEY')) {
      throw invalidArgument('auth.jwt.pem', 'holds a private key; give the public key instead');
    }
    try {
      return createPublicKey(block);
    } catch {
      // What the parser says of the text adds nothing to the place of the broken block.
      throw invalidArgument('auth.jwt.pem', `block ${at + 1} is no PEM public key or certificate`);
    }
  });
}

function payloadToPrincipal(payload: JWTPayload, options: JwtOptions): Principal {
  const operator = options.operator ?? { claim: 'scope', value: 'drover:operator' };
  if (claimContains(claimAt(payload, operator.claim), operator.value)) {
    const name = (payload.sub ?? 'operator').slice(0, MAX_NAME_CHARS);
    return { kind: 'operator', name, via: 'jwt', scopes: ['operator'] };
  }
  const claim = options.customerClaim ?? 'sub';
  const value = claimAt(payload, claim);
  const customerId = typeof value === 'number' ? String(value) : value;
  if (typeof customerId === 'string' && isCustomerId(customerId)) {
    return { kind: 'customer', customerId, via: 'jwt', scopes: ['customer'] };
  }
  throw invalidToken(`the token names no customer: its claim ${JSON.stringify(claim)} must be \
1 to 128 letters, digits or _ . @ : -`);
}

/** The claim of exactly that name, URLs with dots included, or else the path into objects. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Scopes come as a list or as one string with spaces between, flags as true. */
function claimContains(claim: unknown, wanted: string): boolean {
  if (typeof claim === 'string') return claim.split(' ').includes(wanted);
  if (Array.isArray(claim)) return claim.includes(wanted);
  return claim === true && wanted === 'true';
}
