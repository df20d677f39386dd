import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MemoryTokenStore } from '#test/memory-token-store.ts';
import { Authenticator } from './authenticator.ts';
import { TokenService } from './token-service.ts';

const { signal: never } = new AbortController();
const signal = () => never;

async function ask(authenticator: Authenticator, header: string | undefined) {
  return await authenticator.authenticate(header, signal);
}

describe('in dev mode', () => {
  const authenticator = new Authenticator({ devMode: true });

  for (const header of [
    'Bearer dev_customer_123',
    'bearer dev_customer_123',
    'BEARER  dev_user_123',
  ]) {
    it(`'${header}' is customer 123`, async () => {
      assert.deepEqual(await ask(authenticator, header), {
        kind: 'customer',
        customerId: '123',
        via: 'dev',
        scopes: ['customer'],
      });
    });
  }

  it("'dev_operator' is an operator", async () => {
    const principal = await ask(authenticator, 'Bearer dev_operator');
    assert.equal(principal.kind, 'operator');
  });

  for (const token of ['dev_customer_', 'dev_user_', 'dev_customer_../x', 'dev_operators']) {
    it(`'${token}' is refused`, async () => {
      await assert.rejects(ask(authenticator, `Bearer ${token}`), {
        kind: 'unauthenticated',
        reason: 'INVALID_TOKEN',
      });
    });
  }
});

describe('outside dev mode', () => {
  it('dev tokens are refused, and the message says so', async () => {
    const authenticator = new Authenticator({ devMode: false });
    for (const token of ['dev_customer_123', 'dev_operator']) {
      await assert.rejects(ask(authenticator, `Bearer ${token}`), {
        kind: 'unauthenticated',
        message: /dev tokens are not accepted here/,
      });
    }
  });

  it('API tokens are accepted until they are revoked', async () => {
    const tokens = new TokenService({ store: new MemoryTokenStore(), clock: new FakeClock() });
    const authenticator = new Authenticator({ devMode: false, tokens });
    const { token, secret } = await tokens.createToken({ name: 'ops', scope: 'operator' });
    const principal = await ask(authenticator, `Bearer ${secret}`);
    assert.equal(principal.kind, 'operator');
    await tokens.revokeToken(token.id);
    await assert.rejects(ask(authenticator, `Bearer ${secret}`), {
      kind: 'unauthenticated',
      reason: 'INVALID_TOKEN',
    });
  });
});

describe('a request', () => {
  const authenticator = new Authenticator({ devMode: true });

  for (const header of [undefined, '', '  ']) {
    it(`without a token (${JSON.stringify(header)}) is told what to send`, async () => {
      await assert.rejects(ask(authenticator, header), {
        kind: 'unauthenticated',
        reason: 'MISSING_TOKEN',
        message: "authorization header is missing; send 'Authorization: Bearer <token>'",
      });
    });
  }

  for (const header of [
    'Basic c2VjcmV0',
    'Bearer',
    'Bearer a b',
    'Bearer hunter2',
    'Bearer a.b.c',
    `Bearer ${'x'.repeat(20_000)}`,
  ]) {
    it(`with '${header.slice(0, 20)}' is refused without an echo of it`, async () => {
      await assert.rejects(ask(authenticator, header), (thrown: Error) => {
        assert.ok(!thrown.message.includes('c2VjcmV0') && !thrown.message.includes('hunter2'));
        return 'reason' in thrown && thrown.reason === 'INVALID_TOKEN';
      });
    });
  }
});
