/** Who is asking, and what that lets them see and do. Made by the authenticator, once a request. */
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, TokenId } from '#kernel/ids.ts';

/**
 * - `customer`: reads and changes what belongs to one customer.
 * - `read-only`: reads what belongs to one customer.
 * - `operator`: reads and changes everything.
 */
export const SCOPES = ['customer', 'operator', 'read-only'] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** How the request proved who it comes from. */
export type Credential = 'dev' | 'jwt' | 'token';

export interface CustomerPrincipal {
  readonly kind: 'customer';
  readonly customerId: CustomerId;
  readonly via: Credential;
  readonly tokenId?: TokenId;
  readonly scopes: readonly Scope[];
}

export interface OperatorPrincipal {
  readonly kind: 'operator';
  /** A name for logs and audit: the token's name or the subject of the JWT. */
  readonly name: string;
  readonly via: Credential;
  readonly tokenId?: TokenId;
  readonly scopes: readonly Scope[];
}

export type Principal = CustomerPrincipal | OperatorPrincipal;

export function assertOperator(principal: Principal): asserts principal is OperatorPrincipal {
  if (principal.kind === 'operator') return;
  throw new DroverError('permission_denied', 'this needs an operator token', {
    reason: 'OPERATOR_REQUIRED',
  });
}

/** Every call that changes something asks this first. */
export function assertMayChange(principal: Principal): void {
  if (mayChange(principal)) return;
  throw new DroverError(
    'permission_denied',
    'this token may only read; use a token with the customer or operator scope',
    { reason: 'READ_ONLY_TOKEN' },
  );
}

export function mayChange({ scopes }: Principal): boolean {
  return scopes.includes('customer') || scopes.includes('operator');
}

/** The customer whose things this principal may see; undefined sees all customers. */
export function customerScopeOf(principal: Principal): CustomerId | undefined {
  return principal.kind === 'customer' ? principal.customerId : undefined;
}

/** Short and free of secrets, for the access log. */
export function principalToLogId(principal: Principal): string {
  return principal.kind === 'customer'
    ? `customer:${principal.customerId}`
    : `operator:${principal.name}`;
}
