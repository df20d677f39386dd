import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNameResolver } from './name-resolver.ts';

describe('the name resolver', () => {
  const resolve = createNameResolver();

  it('knows what the system knows', async () => {
    const addresses = (await resolve('localhost')).map(({ address }) => address);
    assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join());
  });

  it('fails for a name that cannot be', async () => {
    await assert.rejects(resolve(`no.${'x'.repeat(70)}.invalid`));
  });
});
