/** What every TokenStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TokenRow, TokenStore } from '#access/token-store.ts';
import type { CustomerId, TokenId } from '#kernel/ids.ts';

function tokenOf(digits: string, choices: Partial<TokenRow> = {}): TokenRow {
  return {
    id: `tok_${digits.padStart(12, '0')}` as TokenId,
    name: 'deploy: ünïcode',
    hash: digits.padStart(64, 'a'),
    customerId: 'ada' as CustomerId,
    scope: 'customer',
    createdAt: 1_700_000_000_000,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    ...choices,
  };
}

export interface OpenTokenStore extends AsyncDisposable {
  readonly tokens: TokenStore;
}

export function itKeepsTokens(open: () => Promise<OpenTokenStore>): void {
  it('answers a token as it was inserted', async () => {
    await using stores = await open();
    const plain = tokenOf('1', { expiresAt: 1_800_000_000_000 });
    const operator = tokenOf('2', { customerId: null, scope: 'operator' });
    await stores.tokens.insert(plain);
    await stores.tokens.insert(operator);
    assert.deepEqual(await stores.tokens.findById(plain.id), plain);
    assert.deepEqual(await stores.tokens.findById(operator.id), operator);
    assert.equal(await stores.tokens.findById(tokenOf('3').id), undefined);
  });

  it('refuses an id or a hash that is taken, and keeps what was there', async () => {
    await using stores = await open();
    const first = tokenOf('1');
    await stores.tokens.insert(first);
    const refusal = { kind: 'already_exists', reason: 'TOKEN_EXISTS' };
    await assert.rejects(stores.tokens.insert({ ...tokenOf('2'), id: first.id }), refusal);
    await assert.rejects(stores.tokens.insert({ ...tokenOf('2'), hash: first.hash }), refusal);
    assert.deepEqual(await stores.tokens.list(), [first]);
  });

  it('lists the oldest first', async () => {
    await using stores = await open();
    const tokens = [tokenOf('2'), tokenOf('1', { createdAt: 1_800_000_000_000 }), tokenOf('3')];
    for (const token of tokens.toReversed()) await stores.tokens.insert(token);
    const ids = (await stores.tokens.list()).map(({ id }) => id);
    assert.deepEqual(
      ids,
      [tokenOf('2'), tokenOf('3'), tokenOf('1')].map(({ id }) => id),
    );
  });

  it('answers pages with the newest first, the next one after the last of this one', async () => {
    await using stores = await open();
    const later = tokenOf('1', { createdAt: 1_800_000_000_000 });
    for (const token of [later, tokenOf('3'), tokenOf('2')]) await stores.tokens.insert(token);
    const first = await stores.tokens.page({ limit: 2 });
    assert.deepEqual(first, [later, tokenOf('3')]);
    const second = await stores.tokens.page({ after: first[1], limit: 2 });
    assert.deepEqual(second, [tokenOf('2')]);
    assert.deepEqual(await stores.tokens.page({ after: second[0], limit: 2 }), []);
  });

  it('revokes once: the first instant stands', async () => {
    await using stores = await open();
    const token = tokenOf('1');
    await stores.tokens.insert(token);
    assert.deepEqual(await stores.tokens.revoke(token.id, 5000), { ...token, revokedAt: 5000 });
    assert.deepEqual(await stores.tokens.revoke(token.id, 6000), { ...token, revokedAt: 5000 });
    assert.equal(await stores.tokens.revoke(tokenOf('2').id, 5000), undefined);
  });

  it('moves the time of last use forward only', async () => {
    await using stores = await open();
    const token = tokenOf('1');
    await stores.tokens.insert(token);
    for (const [at, expected] of [
      [5000, 5000],
      [4000, 5000],
      [6000, 6000],
    ] as const) {
      await stores.tokens.touch(token.id, at);
      assert.equal((await stores.tokens.findById(token.id))?.lastUsedAt, expected);
    }
    await stores.tokens.touch(tokenOf('2').id, 1);
    assert.equal((await stores.tokens.list()).length, 1);
  });
}
