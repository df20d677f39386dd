import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  endSession,
  fitsCookie,
  keepSession,
  sessionTokenOf,
  withoutSession,
} from './session-cookie.ts';

describe('sessionTokenOf', () => {
  const cases: readonly (readonly [cookie: string | undefined, token: string | undefined])[] = [
    [undefined, undefined],
    ['theme=dark', undefined],
    ['drover_session=abc', 'abc'],
    ['theme=dark; drover_session=abc;x=y', 'abc'],
    ['drover_session=abc; drover_session=other', 'abc'],
    ['my_drover_session=abc', undefined],
    ['drover_session=', undefined],
  ];
  for (const [cookie, token] of cases) {
    it(`finds ${token ?? 'none'} in ${cookie ?? 'no cookie'}`, () => {
      assert.equal(sessionTokenOf({ cookie }), token);
    });
  }
});

describe('withoutSession', () => {
  it('leaves the other cookies, and nothing where there are none', () => {
    assert.equal(withoutSession('a=1; drover_session=abc; b=2'), 'a=1; b=2');
    assert.equal(withoutSession('drover_session=abc'), undefined);
    assert.equal(withoutSession('a=1'), 'a=1');
  });
});

describe('the cookie', () => {
  it('is out of reach of scripts and of other sites', () => {
    assert.equal(
      keepSession('abc', { isSecure: true }),
      'drover_session=abc; Max-Age=2592000; Path=/; HttpOnly; SameSite=Strict; Secure',
    );
    assert.doesNotMatch(keepSession('abc', { isSecure: false }), /Secure/);
    assert.match(endSession({ isSecure: false }), /^drover_session=; Max-Age=0; Path=\//);
  });

  it('holds every kind of token, and nothing that would end it', () => {
    for (const token of ['dev_customer_a@b:c', 'drover_tok_0_-A', 'eyJ.eyJ.x_-']) {
      assert.equal(fitsCookie(token), true, token);
    }
    for (const token of ['a;b', 'a b', 'a\nb', 'ä', '"', 'x'.repeat(4000)]) {
      assert.equal(fitsCookie(token), false, token);
    }
  });
});
