/** API tokens, `/api/v1/tokens`, and how a form becomes one. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export const TOKENS_PATH = '/api/v1/tokens';
export const SCOPES = ['customer', 'read-only', 'operator'] as const;
/** How long a token may be good for; the empty one does not end. */
export const LIVES = ['1d', '30d', '90d', '365d', ''] as const;

export type Scope = (typeof SCOPES)[number];
export type Life = (typeof LIVES)[number];

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly customer_id: string | null;
  readonly state: 'active' | 'expired' | 'revoked';
  /** The page is signed in by it. */
  readonly current: boolean;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

export interface CreatedToken extends Token {
  /** The secret, which no other answer holds. */
  readonly token: string;
}

interface TokenPage {
  readonly tokens: readonly Token[];
  readonly next_page_token: string;
}

const PAGE = 200;
/** They are used all the time, and one wants to see that. */
const EVERY_MS = 30_000;

export function useTokens() {
  return useInfiniteQuery({
    queryKey: queryKeys.tokens,
    queryFn: ({ signal, pageParam }) =>
      getJson<TokenPage>(TOKENS_PATH, {
        query: { page_size: PAGE, page_token: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_page_token: next }) => next || undefined,
    refetchInterval: EVERY_MS,
  });
}

export interface TokenForm {
  readonly name: string;
  readonly scope: Scope;
  readonly customer: string;
  readonly life: Life;
}

export const EMPTY_TOKEN: TokenForm = { name: '', scope: 'customer', customer: '', life: '90d' };

/** What the server judges is left to it. */
export function formToToken({ name, scope, customer, life }: TokenForm): object {
  return {
    ...{ name: name.trim(), scope },
    ...(scope !== 'operator' && customer.trim() !== '' && { customer_id: customer.trim() }),
    ...(life !== '' && { expires_in: life }),
  };
}
