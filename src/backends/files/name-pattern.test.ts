import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNameMatcher } from './name-pattern.ts';

describe('a pattern of names', () => {
  it('has any characters for a star, and its own for the rest', () => {
    for (const [pattern, name, isMatch] of [
      ['*', '', true],
      ['web', 'web', true],
      ['web', 'webs', false],
      ['web*', 'web-1.ova', true],
      ['*.ova', 'web.ova', true],
      ['a*b*c', 'a-b-b-c', true],
      ['a*b*c', 'a-c-b', false],
      ['ab*ba', 'aba', false],
      ['*b*', 'abc', true],
      ['w.b', 'web', false],
    ] as const) {
      assert.equal(createNameMatcher(pattern)(name), isMatch, `${pattern} of ${name}`);
    }
  });
});
