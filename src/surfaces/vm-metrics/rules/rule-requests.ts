/** What the requests of this folder have in common: whose rules, which page, which parameters. */
import { customerScopeOf, type Principal } from '#access/principal.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { isCustomerId, type CustomerId } from '#kernel/ids.ts';
import type { Rule } from '#metrics/thresholds/rule.ts';
import { createPageToken, parsePageSize, parsePageToken } from '#surfaces/edge/paging.ts';
import type { QueryParameters } from '#surfaces/edge/query-parameters.ts';

export interface RuleParams {
  readonly Params: { readonly id: string };
}

/** Whose rules are meant: a customer's are its own; an operator may name a customer. */
export function parseOwner(principal: Principal, raw: unknown): CustomerId | undefined {
  const scope = customerScopeOf(principal);
  if (raw === undefined || raw === null) return scope;
  if (typeof raw !== 'string' || !isCustomerId(raw)) {
    throw invalidArgument('customer_id', 'must be the id of a customer');
  }
  if (scope === undefined || scope === raw) return raw;
  throw new DroverError('permission_denied', 'customer_id: must be your own, or be left out', {
    reason: 'OPERATOR_REQUIRED',
  });
}

/** A rule stays whose it is; an answer that is sent back says so, and that is all right. */
export function refuseOtherOwner(body: unknown, present: Rule): void {
  if (typeof body !== 'object' || body === null || !('customer_id' in body)) return;
  const { customer_id: given } = body;
  if (given === undefined || (given ?? undefined) === present.customerId) return;
  throw invalidArgument('customer_id', 'cannot be changed; make a rule for that customer');
}

interface PageOptions<T> {
  readonly query: QueryParameters;
  /** The same exactly when the filter of the list is. */
  readonly filter: string;
  readonly positionOf: (item: T) => { readonly createdAt: number; readonly id: string };
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_page_token: string;
  readonly total_count: number;
}

/** One page of a list in the order of its positions. */
export function pageOf<T>(all: readonly T[], options: PageOptions<T>): Page<T> {
  const { query, filter, positionOf } = options;
  const size = parsePageSize(query.one('page_size'));
  const after = parsePageToken(query.one('page_token'), filter);
  const placed = all.map((item) => ({ item, ...positionOf(item) }));
  placed.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  let start = 0;
  if (after?.kind === 'offset') start = after.offset;
  if (after?.kind === 'keyset') {
    const { createdAt, id } = after;
    const isAfter = (one: { createdAt: number; id: string }) =>
      one.createdAt > createdAt || (one.createdAt === createdAt && one.id > id);
    const found = placed.findIndex(isAfter);
    start = found === -1 ? placed.length : found;
  }
  const page = placed.slice(start, start + size);
  const last = page.at(-1);
  const hasMore = last !== undefined && start + size < placed.length;
  return {
    items: page.map(({ item }) => item),
    next_page_token: hasMore ? createPageToken(last, filter) : '',
    total_count: placed.length,
  };
}
