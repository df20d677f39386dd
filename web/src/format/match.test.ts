import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchScore } from './match.ts';

function order(typed: string, titles: readonly string[]): string[] {
  return titles
    .map((title) => ({ title, score: matchScore(typed, [title]) }))
    .filter(({ score }) => score !== undefined)
    .toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))
    .map(({ title }) => title);
}

describe('matchScore', () => {
  it('prefers the beginning of a text, then that of a word, then what is inside', () => {
    const titles = ['stop', 'the-top', 'a top', 'topology'];
    assert.deepEqual(order('top', titles), ['topology', 'the-top', 'a top', 'stop']);
  });

  it('wants every word that was typed', () => {
    assert.deepEqual(order('new mach', ['New machine', 'New job']), ['New machine']);
  });

  it('finds letters in their order', () => {
    assert.deepEqual(order('nwm', ['new machine', 'machine new']), ['new machine']);
  });

  it('counts the title for more than the rest', () => {
    const inTitle = matchScore('web', ['web', 'x']) ?? 0;
    const inHint = matchScore('web', ['x', 'web']) ?? 0;
    assert.ok(inTitle > inHint);
  });
});
