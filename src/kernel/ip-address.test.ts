import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from './errors.ts';
import {
  addressAfter,
  addressToSortKey,
  canonicalAddress,
  containsAddress,
  firstAddressOf,
  formatCidr,
  formatIpAddress,
  isIpAddress,
  isSameAddress,
  lastAddressOf,
  netmaskToPrefix,
  networkOf,
  parseCidr,
  parseIpAddress,
  prefixToNetmask,
  reservedUseOf,
} from './ip-address.ts';

const address = (text: string) => parseIpAddress('address', text);
const cidr = (text: string) => parseCidr('subnet', text);

describe('IP addresses', () => {
  it('have one canonical text, by RFC 5952 for IPv6', () => {
    const table = {
      '10.0.0.5': '10.0.0.5',
      '255.255.255.255': '255.255.255.255',
      '::': '::',
      '::1': '::1',
      '1::': '1::',
      '2001:DB8:0:0:0:0:2:1': '2001:db8::2:1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '0:0:0:0:0:ffff:10.1.2.3': '::ffff:10.1.2.3',
      '::ffff:a01:203': '::ffff:10.1.2.3',
      '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
      'fe80:0:0:0:0:0:0:0001': 'fe80::1',
      '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
    };
    for (const [text, canonical] of Object.entries(table)) {
      assert.equal(canonicalAddress('address', text), canonical, text);
      assert.equal(canonicalAddress('address', canonical), canonical);
    }
  });

  it('are refused with the name of the field when they are something else', () => {
    for (const text of ['', '10.0.0', '010.0.0.1', '10.0.0.256', 'fe80::1%eth0', '1::2::3', 'x']) {
      assert.equal(isIpAddress(text), false, text);
      assert.throws(
        () => parseIpAddress('network.guest_ipv4', text),
        (thrown: unknown) =>
          thrown instanceof DroverError &&
          thrown.kind === 'invalid_argument' &&
          thrown.message.startsWith('network.guest_ipv4: '),
      );
    }
  });

  it('compare and count as numbers', () => {
    assert.equal(formatIpAddress(addressAfter(address('10.0.0.255'))), '10.0.1.0');
    assert.equal(formatIpAddress(addressAfter(address('fd00::ffff'), 2n)), 'fd00::1:1');
    assert.ok(isSameAddress(address('fd00::1'), address('FD00:0::0:1')));
    assert.ok(!isSameAddress(address('0.0.0.1'), address('::1')));
  });

  it('sort by their keys in the order of their values', () => {
    const inOrder = ['9.0.0.1', '10.0.0.2', '10.0.0.10', '200.0.0.1', '::2', 'fd00::1', 'fd00::10'];
    const keys = inOrder.map((text) => addressToSortKey(address(text)));
    assert.deepEqual(keys.toSorted(), keys);
  });

  it('know what they are set aside for', () => {
    assert.equal(reservedUseOf(address('0.0.0.0')), 'unspecified');
    assert.equal(reservedUseOf(address('127.1.2.3')), 'loopback');
    assert.equal(reservedUseOf(address('239.255.255.250')), 'multicast');
    assert.equal(reservedUseOf(address('255.255.255.255')), 'broadcast');
    assert.equal(reservedUseOf(address('250.0.0.1')), 'future-use');
    assert.equal(reservedUseOf(address('::')), 'unspecified');
    assert.equal(reservedUseOf(address('::1')), 'loopback');
    assert.equal(reservedUseOf(address('ff02::1')), 'multicast');
    assert.equal(reservedUseOf(address('10.0.0.1')), undefined);
    assert.equal(reservedUseOf(address('fd00::1')), undefined);
  });
});

describe('networks', () => {
  it('contain their own addresses, of their own family', () => {
    assert.ok(containsAddress(cidr('10.0.0.0/24'), address('10.0.0.255')));
    assert.ok(!containsAddress(cidr('10.0.0.0/24'), address('10.0.1.0')));
    assert.ok(containsAddress(cidr('0.0.0.0/0'), address('203.0.113.9')));
    assert.ok(!containsAddress(cidr('0.0.0.0/0'), address('::1')));
    assert.ok(containsAddress(cidr('fd00::/64'), address('fd00::ffff:ffff:ffff:ffff')));
    assert.ok(!containsAddress(cidr('fd00::/64'), address('fd00:0:0:1::')));
  });

  it('have a first and a last address', () => {
    assert.equal(formatIpAddress(firstAddressOf(cidr('10.1.0.0/16'))), '10.1.0.0');
    assert.equal(formatIpAddress(lastAddressOf(cidr('10.1.0.0/16'))), '10.1.255.255');
    assert.equal(formatIpAddress(lastAddressOf(cidr('10.1.2.3/32'))), '10.1.2.3');
    assert.equal(formatIpAddress(lastAddressOf(cidr('fd00::/120'))), 'fd00::ff');
    assert.equal(formatCidr(networkOf(address('10.9.8.7'), 20)), '10.9.0.0/20');
  });

  it('are refused when malformed or when host bits are set', () => {
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129']) {
      assert.throws(() => parseCidr('subnet', text), { kind: 'invalid_argument' }, text);
    }
    assert.throws(() => parseCidr('subnet', '10.0.0.1/24'), { message: /use 10\.0\.0\.0\/24/ });
  });

  it('turn prefix lengths into netmasks and back', () => {
    assert.equal(prefixToNetmask(0), '0.0.0.0');
    assert.equal(prefixToNetmask(20), '255.255.240.0');
    for (let prefix = 0; prefix <= 32; prefix += 1) {
      assert.equal(netmaskToPrefix(prefixToNetmask(prefix)), prefix);
    }
    for (const text of ['255.0.255.0', '0.0.0.255', '255.255.255', 'x']) {
      assert.equal(netmaskToPrefix(text), undefined, text);
    }
  });
});
