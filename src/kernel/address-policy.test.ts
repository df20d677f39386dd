/** What every special network is, and in what clothes. URLs are in hostile-urls.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusalOfAddress, specialUseOf } from './address-policy.ts';

describe('an address', () => {
  for (const [address, group, what] of [
    ['93.184.216.34', undefined, undefined],
    ['2606:2800::1', undefined, undefined],
    ['127.0.0.1', 'private', 'a loopback address'],
    ['::1', 'private', 'a loopback address'],
    ['::ffff:10.0.0.1', 'private', 'a private address'],
    ['169.254.169.254', 'never', 'a metadata service'],
    ['fe80::1%eth0', 'never', 'a link-local address'],
    ['64:ff9b::a9fe:a9fe', 'never', 'a metadata service'],
    ['somewhere', 'never', 'no address'],
  ] as const) {
    it(`such as ${address} is ${what ?? 'public'}`, () => {
      const special = specialUseOf(address);
      assert.deepEqual([special?.group, special?.what], [group, what]);
    });
  }

  it('that stands for several is as bad as the worst of them', () => {
    // Teredo: the server is 10.0.0.1, the client 169.254.169.254 with every bit turned over.
    const address = '2001:0:a00:1::5601:5601';
    for (const allowPrivate of [true, false]) {
      assert.match(refusalOfAddress(address, { allowPrivate }) ?? '', /metadata.* never called/);
    }
  });

  it('is refused with what it is, and whether a setting would help', () => {
    assert.match(refusalOfAddress('10.0.0.1', { allowPrivate: false }) ?? '', /does not call/);
    assert.equal(refusalOfAddress('10.0.0.1', { allowPrivate: true }), undefined);
    assert.equal(refusalOfAddress('93.184.216.34', { allowPrivate: false }), undefined);
  });
});
