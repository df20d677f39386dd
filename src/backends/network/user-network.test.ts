import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nicOf, testHostNetwork } from '#test/contract/host-network.ts';
import { UserNetwork } from './user-network.ts';

testHostNetwork('UserNetwork', () =>
  Promise.resolve({
    network: new UserNetwork(),
    reopen: () => Promise.resolve(new UserNetwork()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
);

describe('UserNetwork', () => {
  const network = new UserNetwork();

  it('leases nothing', () => {
    assert.deepEqual(network.planLeases([nicOf('eth0', '02:00:00:00:00:01')], ['network[0]']), []);
  });

  it('refuses an address asked for, saying which every guest gets', () => {
    const ipv4 = { address: '172.31.0.5', prefixLength: undefined, gateway: undefined };
    assert.throws(
      () =>
        network.planLeases(
          [nicOf('a', '02:00:00:00:00:01'), nicOf('b', '02:00:00:00:00:02', { ipv4 })],
          ['config.network[0]', 'config.network[1]'],
        ),
      {
        kind: 'invalid_argument',
        message: /^config\.network\[1\] IPv4 address: .*mode is user.*10\.0\.2\.15; leave it out$/,
      },
    );
  });
});
