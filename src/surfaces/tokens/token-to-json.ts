/** A token as it is shown: what it is for, and whether it still opens anything. */
import type { TokenInfo } from '#access/token-service.ts';
import { toIsoTime } from '#kernel/clock.ts';
import type { TokenId } from '#kernel/ids.ts';

export const TOKEN_STATES = ['active', 'expired', 'revoked'] as const;

export interface ShownToken {
  readonly nowMs: number;
  /** Of the token that asks. */
  readonly ownId: TokenId | undefined;
}

export function tokenToJson(token: TokenInfo, { nowMs, ownId }: ShownToken): object {
  return {
    id: token.id,
    name: token.name,
    scope: token.scope,
    customer_id: token.customerId,
    state: stateOf(token, nowMs),
    current: token.id === ownId,
    created_at: toIsoTime(token.createdAt),
    expires_at: toTime(token.expiresAt),
    revoked_at: toTime(token.revokedAt),
    last_used_at: toTime(token.lastUsedAt),
  };
}

function stateOf(token: TokenInfo, nowMs: number): (typeof TOKEN_STATES)[number] {
  if (token.revokedAt !== null) return 'revoked';
  return token.expiresAt !== null && token.expiresAt <= nowMs ? 'expired' : 'active';
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : toIsoTime(ms);
}
