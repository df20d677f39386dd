import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { isErrorKind } from '#kernel/errors.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { MemoryTokenStore } from '#test/memory-token-store.ts';
import { TokenService } from './token-service.ts';

const { signal: never } = new AbortController();
const signal = () => never;

function setUp() {
  const store = new MemoryTokenStore();
  const clock = new FakeClock();
  return { store, clock, service: new TokenService({ store, clock }) };
}

describe('an API token', () => {
  it('is shown once and kept as a hash', async () => {
    const { store, service } = setUp();
    const { token, secret } = await service.createToken({
      name: 'ci',
      scope: 'customer',
      customerId: 'acme',
    });
    assert.match(secret, new RegExp(`^drover_${token.id}_[A-Za-z0-9_-]{43}$`));
    assert.ok(!JSON.stringify([...store.rows.values()]).includes(secret));
    assert.ok(!JSON.stringify(await service.listTokens()).includes('hash'));
  });

  it('stands for its customer, or for an operator', async () => {
    const { service } = setUp();
    const ci = await service.createToken({ name: 'ci', scope: 'read-only', customerId: 'acme' });
    const ops = await service.createToken({ name: 'ops', scope: 'operator' });
    assert.deepEqual(await service.verify(ci.secret, signal), {
      kind: 'customer',
      customerId: 'acme',
      via: 'token',
      tokenId: ci.token.id,
      scopes: ['read-only'],
    });
    assert.equal((await service.verify(ops.secret, signal))?.kind, 'operator');
  });

  it('with one letter changed opens nothing', async () => {
    const { service } = setUp();
    const { secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    const last = secret.endsWith('A') ? 'B' : 'A';
    assert.equal(await service.verify(secret.slice(0, -1) + last, signal), undefined);
    assert.equal(await service.verify('drover_tok_000000000000_x', signal), undefined);
  });

  it('opens nothing from the moment it is revoked here', async () => {
    const { service } = setUp();
    const { token, secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    assert.ok(await service.verify(secret, signal));
    const revoked = await service.revokeToken(token.id);
    assert.equal(await service.verify(secret, signal), undefined);
    const again = await service.revokeToken(token.id);
    assert.equal(again.revokedAt, revoked.revokedAt);
  });

  it('revoked by another process opens nothing after 5 seconds', async () => {
    const { store, clock, service } = setUp();
    const { token, secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    assert.ok(await service.verify(secret, signal));
    await store.revoke(token.id, clock.nowMs());
    await clock.advance(5000);
    assert.equal(await service.verify(secret, signal), undefined);
  });

  it('is read from the store once in 5 seconds however often it is used', async () => {
    const { store, clock, service } = setUp();
    const { secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    for (let at = 0; at < 10; at += 1) await service.verify(secret, signal);
    assert.equal(store.reads, 1);
    await clock.advance(5000);
    await service.verify(secret, signal);
    assert.equal(store.reads, 2);
  });

  it('opens nothing once it has expired, cached or not', async () => {
    const { clock, service } = setUp();
    const expiresAt = clock.nowMs() + 1000;
    const { secret } = await service.createToken({ name: 'ops', scope: 'operator', expiresAt });
    assert.ok(await service.verify(secret, signal));
    await clock.advance(1000);
    assert.equal(await service.verify(secret, signal), undefined);
  });

  it('notes its last use once a minute at most', async () => {
    const { store, clock, service } = setUp();
    const { token, secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    const firstAt = clock.nowMs();
    await service.verify(secret, signal);
    await clock.advance(30_000);
    await service.verify(secret, signal);
    assert.equal(store.rows.get(token.id)?.lastUsedAt, firstAt);
    await clock.advance(MINUTE_MS);
    await service.verify(secret, signal);
    assert.equal(store.rows.get(token.id)?.lastUsedAt, clock.nowMs());
  });

  it('goes on working when its last use cannot be noted', async () => {
    const { store, clock } = setUp();
    const failures: unknown[] = [];
    store.touch = async () => Promise.reject(new Error('disk full'));
    const service = new TokenService({ store, clock, onTouchFailed: (e) => failures.push(e) });
    const { secret } = await service.createToken({ name: 'ops', scope: 'operator' });
    assert.ok(await service.verify(secret, signal));
    await clock.advance(0);
    assert.equal(failures.length, 1);
  });

  const refused = [
    { what: 'an empty name', token: { name: '', scope: 'operator' }, field: 'name' },
    { what: 'a name with a line break', token: { name: 'a\nb', scope: 'operator' }, field: 'name' },
    { what: 'no customer', token: { name: 'a', scope: 'customer' }, field: 'customer_id' },
    {
      what: 'an operator with a customer',
      token: { name: 'a', scope: 'operator', customerId: 'acme' },
      field: 'customer_id',
    },
    {
      what: 'a malformed customer',
      token: { name: 'a', scope: 'customer', customerId: '../x' },
      field: 'customer_id',
    },
    {
      what: 'an expiry in the past',
      token: { name: 'a', scope: 'operator', expiresAt: 1 },
      field: 'expires_at',
    },
  ] as const;
  for (const { what, token, field } of refused) {
    it(`is not made with ${what}`, async () => {
      await assert.rejects(setUp().service.createToken(token), { metadata: { field } });
    });
  }

  it('makes none that goes on after it', async () => {
    const { clock, service } = setUp();
    const expiresAt = clock.nowMs() + MINUTE_MS;
    const brief = await service.createToken({ name: 'ops', scope: 'operator', expiresAt });
    const maker = await service.verify(brief.secret, signal);
    assert.ok(maker?.kind === 'operator');
    const wanted = { name: 'ci', scope: 'operator' } as const;
    const refused = { kind: 'permission_denied', reason: 'BEYOND_OWN_REACH' };
    await assert.rejects(service.createTokenFor(maker, wanted), refused);
    const late = { ...wanted, expiresAt: expiresAt + 1 };
    await assert.rejects(service.createTokenFor(maker, late), refused);
    const { token } = await service.createTokenFor(maker, { ...wanted, expiresAt });
    assert.equal(token.expiresAt, expiresAt);
  });

  it('that is unknown cannot be revoked', async () => {
    await assert.rejects(setUp().service.revokeToken('tok_000000000000'), (thrown) =>
      isErrorKind(thrown, 'not_found'),
    );
  });
});
