import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePattern } from './label-pattern.ts';

/** Pattern, what it matches, what it does not. JavaScript must say the same of them. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', [''], ['a']],
  ['eth0', ['eth0'], ['eth01', 'xeth0', '']],
  ['eth0|eth1|lo', ['eth0', 'eth1', 'lo'], ['eth', 'eth0|eth1']],
  ['eth.*', ['eth', 'eth0', 'eth0.100'], ['lo', 'veth0']],
  ['.*', ['', 'anything', 'two\nlines'], []],
  ['.+', ['x', 'ü'], ['']],
  ['(?:sd|vd)[a-z]+[0-9]*', ['sda', 'vdb12'], ['sd', 'hda', 'sda1x']],
  ['[^a-c]+', ['xyz'], ['axz', '']],
  ['a{2,4}', ['aa', 'aaa', 'aaaa'], ['a', 'aaaaa']],
  ['a{3}', ['aaa'], ['aa']],
  ['a{2,}b?', ['aa', 'aaaab'], ['ab']],
  ['^a$', ['a'], ['aa']],
  ['(^|x)a', ['a', 'xa'], ['ya']],
  ['\\d+\\.\\d+', ['1.5'], ['15', '1.']],
  ['[\\w-]+', ['a_b-c9'], ['a b']],
  ['a|', ['a', ''], ['b']],
  ['(a|b)*c', ['c', 'ababc'], ['ab', 'abcc']],
  ['x*?y+?', ['y', 'xxyy'], ['x']],
  ['[]a]+', [']a'], ['b']],
  ['\\x41\\.\\[', ['A.['], ['Ax[']],
  ['[a\\-z]', ['a', '-', 'z'], ['m']],
  ['[a-]', ['a', '-'], ['b']],
  ['{', ['{'], ['']],
  ['a{,3}', ['a{,3}'], ['aaa']],
  ['🦊+', ['🦊', '🦊🦊'], ['🐔']],
];

describe('compilePattern', () => {
  for (const [pattern, matching, others] of CASES) {
    it(`matches whole texts against ${JSON.stringify(pattern)}`, () => {
      const test = compilePattern(pattern);
      for (const text of matching) assert.equal(test(text), true, text);
      for (const text of others) assert.equal(test(text), false, text);
    });
  }

  it('knows the flags and classes that RE2 has and JavaScript has not', () => {
    assert.equal(compilePattern('(?i)Eth[a-c]')('eTHB'), true);
    assert.equal(compilePattern('(?i:a)b')('Ab'), true);
    assert.equal(compilePattern('(?i:a)b')('AB'), false);
    assert.equal(compilePattern('[[:alpha:]_]+')('a_Z'), true);
    assert.equal(compilePattern('[[:^digit:]]')('5'), false);
    assert.equal(compilePattern('(?P<name>x)y')('xy'), true);
  });

  it('says what is wrong with a bad one', () => {
    const bad: readonly (readonly [string, RegExp])[] = [
      ['(a', /\( is not closed/],
      ['a)', /\) closes nothing/],
      ['[a', /\[ is not closed/],
      ['*a', /nothing before \*/],
      ['a**', /repetition is repeated/],
      ['a{3,2}', /out of bounds/],
      ['a{5000}', /out of bounds/],
      ['[z-a]', /backwards/],
      ['\\', /ends with a backslash/],
      ['\\1', /\\1 is not supported/],
      ['(?=a)', /\(\?=a is not supported/],
      ['\\bx', /\\b is not supported/],
      ['x'.repeat(2000), /longer than 1000/],
      ['((a{50}){50}){50}', /too complex/],
      ['('.repeat(500), /nested too deeply/],
    ];
    for (const [pattern, message] of bad) {
      assert.throws(() => compilePattern(pattern), { kind: 'invalid_argument', message }, pattern);
    }
  });

  it('takes no time to speak of for what makes other engines hang', () => {
    const text = `${'a'.repeat(2000)}!`;
    for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '.*.*.*.*.*=.*', '(a?){50}a{50}b']) {
      assert.equal(compilePattern(pattern)(text), false);
    }
  });

  it('gives up where even that is too much', () => {
    const test = compilePattern('(.{0,50}x|.{0,50}y|.{0,50}z){1,9}');
    const text = 'xyz'.repeat(2000);
    assert.throws(
      () => {
        for (let round = 0; round < 100; round += 1) test(text + round);
      },
      { kind: 'resource_exhausted' },
    );
  });
});
