import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { Principal } from '#access/principal.ts';

/**
 * A customer may name itself by its id, or, as the documented example does, with `customer-`
 * before it. Naming anybody else is refused; an operator must name somebody.
 */
export function ownerOf(principal: Principal, named: CustomerId | undefined): CustomerId {
  if (principal.kind === 'operator') {
    if (named !== undefined) return named;
    throw new DroverError('invalid_argument', 'customer_id: an operator must say whose VM it is', {
      reason: 'INVALID_FIELD',
      metadata: { field: 'customer_id' },
    });
  }
  const own = principal.customerId;
  if (named === undefined || named === own || named === `customer-${own}`) return own;
  throw new DroverError(
    'permission_denied',
    'customer_id: does not match the customer of the token; leave it out',
    { reason: 'CUSTOMER_MISMATCH', metadata: { field: 'customer_id' } },
  );
}
