import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppHosts } from './app-hosts.ts';
import { parseAppUrl, parseHostUrl, withSlash } from './app-target.ts';

describe('parseAppUrl', () => {
  const understood: readonly (readonly [string, string, string, string])[] = [
    ['/apps/shop/', 'shop', '/apps/shop', '/'],
    ['/apps/shop/a/b?c=d/e', 'shop', '/apps/shop', '/a/b?c=d/e'],
    ['/apps/shop@1/x', 'shop@1', '/apps/shop@1', '/x'],
    ['/apps/shop@%5E1.2/x', 'shop@^1.2', '/apps/shop@%5E1.2', '/x'],
    ['/apps/shop/a%2Fb%20c', 'shop', '/apps/shop', '/a%2Fb%20c'],
    ['/apps/shop//twice//', 'shop', '/apps/shop', '//twice//'],
    ['/apps/shop/?q=../..', 'shop', '/apps/shop', '/?q=../..'],
    ['/apps/shop/..a/b../...', 'shop', '/apps/shop', '/..a/b../...'],
    ['/%61pps/shop/x', 'shop', '/%61pps/shop', '/x'],
    ['http://other.example/apps/shop/x?y', 'shop', '/apps/shop', '/x?y'],
  ];
  for (const [url, spec, base, path] of understood) {
    it(`takes ${url} for ${path} of ${spec}`, () => {
      assert.deepEqual(parseAppUrl(url), { spec, base, path });
    });
  }

  const climbing = [
    ...['/apps/shop/..', '/apps/shop/../', '/apps/shop/a/../b', '/apps/../apps/shop/x'],
    ...['/apps/shop/%2e%2e/x', '/apps/shop/.%2E/x', '/apps/shop/a\\..\\b', '/apps/shop/..?x'],
    ...['http://host/apps/shop/../x', 'apps/shop/x', '*'],
  ];
  for (const url of climbing) {
    it(`refuses ${url}`, () => {
      assert.throws(() => parseAppUrl(url), { reason: 'BAD_PATH', status: 400 });
    });
  }

  it('says when the slash behind the app is missing, and where it belongs', () => {
    assert.equal(parseAppUrl('/apps/shop?a=/b'), undefined);
    assert.deepEqual(withSlash('/apps/shop@1?a=/b'), {
      spec: 'shop@1',
      location: '/apps/shop@1/?a=/b',
    });
  });
});

describe('parseHostUrl', () => {
  it('leaves the path whole', () => {
    assert.deepEqual(parseHostUrl('/apps/x?y', 'shop'), {
      ...{ spec: 'shop', base: '/', path: '/apps/x?y' },
    });
    assert.equal(parseHostUrl('http://shop.test', 'shop').path, '/');
    assert.throws(() => parseHostUrl('/a/../b', 'shop'), { reason: 'BAD_PATH' });
  });
});

describe('the hosts of apps', () => {
  const hosts = new AppHosts({
    domain: 'Apps.test',
    hosts: new Map([['shop.example.com', 'shop@1']]),
  });
  const table: readonly (readonly [string | undefined, string | undefined])[] = [
    ['shop.example.com', 'shop@1'],
    ['SHOP.example.com:8080', 'shop@1'],
    ['shop.example.com.', 'shop@1'],
    ['cart.apps.test', 'cart'],
    ['cart.apps.test.:443', 'cart'],
    ['a.cart.apps.test', undefined],
    ['apps.test', undefined],
    ['.apps.test', undefined],
    ['notapps.test', undefined],
    ['127.0.0.1:8080', undefined],
    ['[::1]:8080', undefined],
    ['[::1]', undefined],
    [undefined, undefined],
  ];
  for (const [header, spec] of table) {
    it(`take ${header} for ${spec ?? "the platform's own"}`, () => {
      assert.equal(hosts.find(header), spec);
    });
  }

  it('are none where none are configured', () => {
    const none = new AppHosts({ domain: undefined, hosts: new Map() });
    assert.equal(none.isEmpty, true);
    assert.equal(none.find('shop.apps.test'), undefined);
    assert.equal(hosts.isEmpty, false);
  });
});
