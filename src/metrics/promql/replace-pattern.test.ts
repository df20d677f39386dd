import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileReplacePattern } from './replace-pattern.ts';

function groups(source: string, text: string): readonly (string | undefined)[] | undefined {
  return compileReplacePattern(source).exec(text)?.slice(1);
}

describe('compileReplacePattern', () => {
  it('tells what the groups of a whole match are', () => {
    assert.deepEqual(groups('(.*):(.*)', 'host:9100'), ['host', '9100']);
    assert.deepEqual(groups('(?P<name>[a-z]+)-(\\d+)', 'web-12'), ['web', '12']);
    assert.deepEqual(groups('(?i)HOST(x)?', 'host'), [undefined]);
    assert.deepEqual(groups('a\\-b\\_(c)|d'.replace('\\_', '_'), 'a-b_c'), ['c']);
    assert.equal(groups('host', 'my-host'), undefined);
  });

  it('takes alternatives by the dozen', () => {
    const words = Array.from({ length: 60 }, (_, at) => `word${at}`).join('|');
    assert.deepEqual(groups(`(${words})-(.*)`, 'word59-x'), ['word59', 'x']);
  });

  it('refuses what could take for ever', () => {
    for (const source of ['(a+)+b', '(a|a)*b', '(a|aa)+', '((a?)b){20}', '(x(a|b)y)*']) {
      assert.throws(() => compileReplacePattern(source), /repeated group/, source);
    }
    for (const source of ['(?=a)', 'a(?!b)', '(a)\\1', '(']) {
      assert.throws(() => compileReplacePattern(source), Error, source);
    }
  });

  it('refuses what could take for ever on this text only', () => {
    const long = 'a'.repeat(3000);
    assert.deepEqual(groups('(.*)a.*', long)?.length, 1);
    assert.throws(() => groups('.*.*.*.*(.*)', long), /too long/);
    assert.equal(groups('.*.*.*.*(.*)x', long), undefined);
    const optional = `${'a?'.repeat(40)}${'a'.repeat(40)}`;
    assert.throws(() => groups(optional, 'a'.repeat(40)), /too long/);
    assert.throws(() => groups('(a|a)'.repeat(40), 'a'.repeat(40)), /too long/);
  });
});
