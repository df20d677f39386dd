import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerId } from '#kernel/ids.ts';
import { isErrorKind } from '#kernel/errors.ts';
import {
  assertMayChange,
  assertOperator,
  customerScopeOf,
  isScope,
  type Principal,
} from './principal.ts';

const acme = 'acme' as CustomerId;
const customer: Principal = {
  kind: 'customer',
  customerId: acme,
  via: 'dev',
  scopes: ['customer'],
};
const reader: Principal = { ...customer, scopes: ['read-only'] };
const operator: Principal = { kind: 'operator', name: 'ops', via: 'jwt', scopes: ['operator'] };

describe('a principal', () => {
  it('sees its own customer only, and as an operator all of them', () => {
    assert.equal(customerScopeOf(customer), acme);
    assert.equal(customerScopeOf(operator), undefined);
  });

  it('is refused what operators may do unless it is one', () => {
    assertOperator(operator);
    assert.throws(() => assertOperator(customer), /needs an operator token/);
  });

  it('may not change anything with a read-only token', () => {
    assertMayChange(customer);
    assertMayChange(operator);
    assert.throws(
      () => assertMayChange(reader),
      (thrown) => isErrorKind(thrown, 'permission_denied'),
    );
  });

  it('has scopes of a closed set', () => {
    assert.ok(isScope('read-only'));
    assert.ok(!isScope('admin'));
  });
});
