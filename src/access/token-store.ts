/**
 * Where API tokens are kept. The secret itself never reaches a store: only its SHA-256, so that
 * a copy of the database opens nothing.
 */
import type { CustomerId, TokenId } from '#kernel/ids.ts';
import type { Scope } from './principal.ts';

export interface TokenRow {
  readonly id: TokenId;
  /** Chosen by the operator who made it; not unique. */
  readonly name: string;
  /** SHA-256 of the whole secret text, 64 lower-case hex digits. Unique. */
  readonly hash: string;
  /** Null exactly when the scope is `operator`. */
  readonly customerId: CustomerId | null;
  readonly scope: Scope;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Coarse: written at most once a minute and token, so that reads stay reads. */
  readonly lastUsedAt: number | null;
}

/** Strictly older than this one, in the order of a page. */
export type TokenPosition = Pick<TokenRow, 'createdAt' | 'id'>;

export interface TokenPageQuery {
  readonly after?: TokenPosition | undefined;
  readonly limit: number;
}

export interface TokenStore {
  /** Throws `already_exists` when the id or the hash is taken. */
  insert(row: TokenRow): Promise<void>;
  /** Every token, revoked and expired ones too, oldest first (createdAt, then id). */
  list(): Promise<readonly TokenRow[]>;
  /** At most `limit` of all, newest first (createdAt, then id). */
  page(query: TokenPageQuery): Promise<readonly TokenRow[]>;
  findById(id: TokenId): Promise<TokenRow | undefined>;
  /**
   * Sets `revokedAt` unless it is set already, and answers the row as it then stands;
   * undefined when there is no such token.
   */
  revoke(id: TokenId, revokedAt: number): Promise<TokenRow | undefined>;
  /** Moves `lastUsedAt` forward, never back. An unknown id changes nothing. */
  touch(id: TokenId, lastUsedAt: number): Promise<void>;
}

const TOKEN_ID = /^tok_[0-9a-f]{12}$/;

export function isTokenId(text: string): text is TokenId {
  return TOKEN_ID.test(text);
}
