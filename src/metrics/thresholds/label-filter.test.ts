import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileMatchers, matcherProblem, matcherToText, parseMatcher } from './label-filter.ts';

const LABELS = { device: 'sda1', mountpoint: '/srv/"data"' };

describe('a matcher', () => {
  for (const [text, expected] of [
    ['device="sda1"', true],
    ['device="sda"', false],
    ['device!="sda"', true],
    ['device=~"sd.*"', true],
    ['device=~"sd"', false],
    ['device=~"sd|sda1"', true],
    ['device!~"loop.*|sr0"', true],
    ['device!~"sd[a-z][0-9]+"', false],
    ['mountpoint="/srv/\\"data\\""', true],
    ['fstype=""', true],
    ['fstype!=""', false],
    ['fstype!~".+"', true],
  ] as const) {
    it(`${text} ${expected ? 'matches' : 'does not match'}`, () => {
      const matcher = parseMatcher(text);
      assert.ok(matcher !== undefined);
      assert.equal(matcherProblem(matcher), undefined);
      assert.equal(compileMatchers([matcher])(LABELS), expected);
      assert.deepEqual(parseMatcher(matcherToText(matcher)), matcher);
    });
  }

  it('matches only together with all others', () => {
    const matchers = ['device="sda1"', 'mountpoint="/"'].flatMap(
      (text) => parseMatcher(text) ?? [],
    );
    assert.equal(compileMatchers(matchers)(LABELS), false);
    assert.equal(compileMatchers([])(LABELS), true);
  });

  for (const text of ['device', 'device=sda', 'device=="a"', '1x="a"', 'a="b" c="d"', 'a="b\\"']) {
    it(`is not made of ${text}`, () => {
      assert.equal(parseMatcher(text), undefined);
    });
  }

  for (const [value, problem] of [
    ['(a+)+$', /repeat a group/],
    ['(a|a)*b', /repeat a group/],
    ['(?:ab){2,}', /repeat a group/],
    ['a*a*a*a*b', /more than 3/],
    ['a?a?a?a?a?b', /more than 4/],
    ['(?=a)b', /look around/],
    ['(?<x>a)', /look around/],
    ['(a)\\1', /refer back/],
    ['((((((((((a))))))))))', /8 groups/],
    ['[', /no regular expression/],
    ['a'.repeat(257), /256/],
  ] as const) {
    it(`is refused for the pattern ${value.slice(0, 24)}`, () => {
      assert.match(matcherProblem({ label: 'a', operator: '=~', value }) ?? '', problem);
    });
  }

  it('of any pattern that is taken ends soon, whatever the label', () => {
    const hostile = { label: 'a', operator: '=~', value: '.*.*.*x' } as const;
    assert.equal(matcherProblem(hostile), undefined);
    assert.equal(compileMatchers([hostile])({ a: 'y'.repeat(256) }), false);
    assert.equal(compileMatchers([hostile])({ a: 'x'.repeat(100_000) }), false);
  });
});
