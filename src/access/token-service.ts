/**
 * API tokens: `drover_<id>_<secret>`, shown once, stored as a hash.
 *
 * A token that was looked up is trusted from memory for at most `CACHE_MS`. So a token revoked
 * through this process stops at once, and one revoked through another process within 5 seconds.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { toIsoTime, type Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { createTokenId, isCustomerId, type CustomerId, type TokenId } from '#kernel/ids.ts';
import { randomToken } from '#kernel/random.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { untilAborted } from '#kernel/abort.ts';
import {
  SCOPES,
  isScope,
  type OperatorPrincipal,
  type Principal,
  type Scope,
} from './principal.ts';
import { isTokenId, type TokenPageQuery, type TokenRow, type TokenStore } from './token-store.ts';

const CACHE_MS = 5 * SECOND_MS;
const CACHE_MOST = 1000;
const TOUCH_EVERY_MS = MINUTE_MS;
const SECRET_BYTES = 32;
const TOKEN = /^drover_(tok_[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
// Letters, digits, marks and ordinary punctuation; what a terminal could misread stays out.
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._@:/+-]{0,127}$/u;

export interface NewToken {
  readonly name: string;
  readonly scope: Scope;
  /** Needed for every scope but `operator`. */
  readonly customerId?: string;
  readonly expiresAt?: number;
}

/** What may be shown of a token after it was made. */
export type TokenInfo = Omit<TokenRow, 'hash'>;

export interface CreatedToken {
  readonly token: TokenInfo;
  /** The only time the secret is in the open. */
  readonly secret: string;
}

export interface TokenServiceOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  /** Told when a token's time of last use could not be noted; the request goes on. */
  readonly onTouchFailed?: (error: unknown) => void;
}

interface CachedRow {
  readonly row: TokenRow;
  readonly untilMs: number;
}

export class TokenService {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #onTouchFailed: (error: unknown) => void;
  /** In order of entry, so that the first key is the oldest. */
  readonly #cache = new Map<TokenId, CachedRow>();
  readonly #touchedAt = new Map<TokenId, number>();

  constructor(options: TokenServiceOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#onTouchFailed = options.onTouchFailed ?? (() => {});
  }

  async createToken(wanted: NewToken): Promise<CreatedToken> {
    const createdAt = this.#clock.nowMs();
    const customerId = parseOwner(wanted);
    if (!NAME.test(wanted.name)) {
      throw invalidArgument('name', 'must be 1 to 128 letters, digits, spaces or . _ @ : / + -');
    }
    if (wanted.expiresAt !== undefined && !(wanted.expiresAt > createdAt)) {
      throw invalidArgument('expires_at', 'must be in the future');
    }
    const id = createTokenId();
    const secret = `drover_${id}_${randomToken(SECRET_BYTES)}`;
    const row: TokenRow = {
      id,
      name: wanted.name,
      hash: hashOf(secret).toString('hex'),
      customerId,
      scope: wanted.scope,
      createdAt,
      expiresAt: wanted.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
    };
    await this.#store.insert(row);
    return { token: rowToInfo(row), secret };
  }

  /**
   * For an operator who asks for it; nobody else may make any. A token that is over one day makes
   * none that goes on after it.
   */
  async createTokenFor(maker: OperatorPrincipal, wanted: NewToken): Promise<CreatedToken> {
    const own = maker.tokenId && (await this.#store.findById(maker.tokenId));
    const untilMs = own?.expiresAt ?? Infinity;
    if ((wanted.expiresAt ?? Infinity) > untilMs) {
      const end = toIsoTime(untilMs);
      throw new DroverError(
        'permission_denied',
        `expires_in: must end by ${end}, when the token that makes this one does`,
        { reason: 'BEYOND_OWN_REACH', metadata: { field: 'expires_in' } },
      );
    }
    return await this.createToken(wanted);
  }

  async listPage(query: TokenPageQuery): Promise<readonly TokenInfo[]> {
    return (await this.#store.page(query)).map(rowToInfo);
  }

  async listTokens(): Promise<readonly TokenInfo[]> {
    return (await this.#store.list()).map(rowToInfo);
  }

  /** Revoking twice is harmless; the first instant stands. */
  async revokeToken(id: string): Promise<TokenInfo> {
    const revoked = isTokenId(id) ? await this.#store.revoke(id, this.#clock.nowMs()) : undefined;
    if (revoked === undefined) {
      throw new DroverError('not_found', `there is no token ${JSON.stringify(id)}`, {
        reason: 'TOKEN_NOT_FOUND',
      });
    }
    this.#cache.delete(revoked.id);
    return rowToInfo(revoked);
  }

  /**
   * The principal behind a secret; undefined when it is unknown, revoked or expired. At once for a
   * token that was looked up a moment ago.
   */
  verify(
    secret: string,
    signal: () => AbortSignal,
  ): Principal | undefined | Promise<Principal | undefined> {
    const id = TOKEN.exec(secret)?.[1];
    if (id === undefined || !isTokenId(id)) return undefined;
    const cached = this.#cache.get(id);
    if (cached !== undefined && cached.untilMs > this.#clock.monotonicMs()) {
      return this.#admit(cached.row, secret);
    }
    return this.#find(id, signal()).then((row) => row && this.#admit(row, secret));
  }

  #admit(row: TokenRow, secret: string): Principal | undefined {
    const stored = Buffer.from(row.hash, 'hex');
    const given = hashOf(secret);
    if (stored.length !== given.length || !timingSafeEqual(stored, given)) return undefined;
    const nowMs = this.#clock.nowMs();
    if (row.revokedAt !== null) return undefined;
    if (row.expiresAt !== null && row.expiresAt <= nowMs) return undefined;
    this.#touch(row, nowMs);
    return rowToPrincipal(row);
  }

  async #find(id: TokenId, signal: AbortSignal): Promise<TokenRow | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const row = await untilAborted(this.#store.findById(id), signal);
    this.#cache.delete(id);
    if (row === undefined) return undefined;
    // Counted from before the read, so that a slow store does not stretch the promise.
    this.#cache.set(id, { row, untilMs: nowMs + CACHE_MS });
    dropOldest(this.#cache);
    return row;
  }

  /** Notes the use without making the request wait, once a minute at most. */
  #touch(row: TokenRow, nowMs: number): void {
    const lastMs = Math.max(this.#touchedAt.get(row.id) ?? 0, row.lastUsedAt ?? 0);
    if (nowMs - lastMs < TOUCH_EVERY_MS) return;
    this.#touchedAt.delete(row.id);
    this.#touchedAt.set(row.id, nowMs);
    dropOldest(this.#touchedAt);
    this.#store.touch(row.id, nowMs).catch(this.#onTouchFailed);
  }
}

function parseOwner(wanted: NewToken): CustomerId | null {
  if (!isScope(wanted.scope)) {
    throw invalidArgument('scope', `must be one of ${SCOPES.join(', ')}`);
  }
  const { customerId, scope } = wanted;
  if (scope === 'operator') {
    if (customerId === undefined) return null;
    throw invalidArgument('customer_id', 'must be left out: an operator token sees all customers');
  }
  if (customerId === undefined) {
    throw invalidArgument('customer_id', `is needed for a token with the ${scope} scope`);
  }
  if (isCustomerId(customerId)) return customerId;
  throw invalidArgument('customer_id', 'must be 1 to 128 letters, digits or _ . @ : -');
}

function rowToPrincipal(row: TokenRow): Principal {
  const shared = { via: 'token', tokenId: row.id, scopes: [row.scope] } as const;
  return row.customerId === null
    ? { kind: 'operator', name: row.name, ...shared }
    : { kind: 'customer', customerId: row.customerId, ...shared };
}

function rowToInfo({ hash: _, ...info }: TokenRow): TokenInfo {
  return info;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function dropOldest(map: Map<TokenId, unknown>): void {
  if (map.size <= CACHE_MOST) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
