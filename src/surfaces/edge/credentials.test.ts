import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import { authorizationOf, socketAuthorizationOf } from './credentials.ts';

const HOST = { host: 'drover.example.com' };
const COOKIE = { ...HOST, cookie: 'drover_session=abc' };
const HEADER = { authorization: 'Bearer other' };
const OWN_ORIGIN = { origin: 'https://drover.example.com' };
const FOREIGN = { origin: 'https://evil.test' };
const CROSS_SITE = { kind: 'permission_denied', reason: 'CROSS_SITE' };

type Case = readonly [what: string, headers: IncomingHttpHeaders, isTaken: boolean];

/** With the cookie alone. */
const CASES: readonly Case[] = [
  ['a page of the same origin', OWN_ORIGIN, true],
  ['what the browser says is the same origin', { 'sec-fetch-site': 'same-origin' }, true],
  ['the same origin behind a proxy', { ...FOREIGN, 'sec-fetch-site': 'same-origin' }, true],
  ['a page of another origin', FOREIGN, false],
  ['a page on another port', { origin: 'https://drover.example.com:8443' }, false],
  ['another page of the same site', { ...OWN_ORIGIN, 'sec-fetch-site': 'same-site' }, false],
  ['a page elsewhere that hides its origin', { 'sec-fetch-site': 'cross-site' }, false],
  ['a page without an origin', { origin: 'null' }, false],
  ['a link that was typed in', { 'sec-fetch-site': 'none' }, false],
  ['nobody that says anything', {}, false],
];

describe('a session', () => {
  for (const [what, headers, isTaken] of CASES) {
    it(`${isTaken ? 'changes' : 'does not change'} things for ${what}`, () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const take = () => authorizationOf({ ...COOKIE, ...headers }, method);
        if (isTaken) assert.equal(take(), 'Bearer abc');
        else assert.throws(take, CROSS_SITE);
      }
    });

    it(`${isTaken ? 'opens' : 'does not open'} WebSockets for ${what}`, () => {
      const take = () => socketAuthorizationOf({ ...COOKIE, ...headers });
      if (isTaken) assert.equal(take(), 'Bearer abc');
      else assert.throws(take, CROSS_SITE);
    });

    it(`reads for ${what}, who cannot see what`, () => {
      assert.equal(authorizationOf({ ...COOKIE, ...headers }, 'GET'), 'Bearer abc');
    });
  }
});

describe('a header', () => {
  it('counts for more than the cookie, and comes from anywhere', () => {
    const both = { ...COOKIE, ...HEADER, ...FOREIGN };
    assert.equal(authorizationOf(both, 'POST'), 'Bearer other');
    assert.equal(socketAuthorizationOf(both), 'Bearer other');
  });

  it('may be missing, and the cookie with it', () => {
    assert.equal(authorizationOf({ ...HOST, ...FOREIGN }, 'POST'), undefined);
  });
});
