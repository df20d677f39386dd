import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { TextFinder } from './text-finder.ts';
import { formatAge, formatTable, printable } from './text-table.ts';

describe('formatTable', () => {
  it('aligns by what is seen: colours and combined characters take no room of their own', () => {
    const red = '\u001B[31mred\u001B[0m';
    assert.equal(
      formatTable(
        ['A', 'B'],
        [
          [red, 'x'],
          ['e\u0301', 'y'],
        ],
      ),
      `A    B\n${red}  x\ne\u0301    y\n`,
    );
  });

  it('leaves no blanks at the end of a line', () => {
    assert.equal(
      formatTable(
        [],
        [
          ['a', ''],
          ['long', 'b'],
        ],
      ),
      'a\nlong  b\n',
    );
  });
});

describe('formatAge', () => {
  it('says it in the largest unit that fits', () => {
    const ages = [-5, 0, 59_999, 60_000, 3_599_000, 3_600_000, 86_399_000, 86_400_000];
    assert.deepEqual(ages.map(formatAge), ['0s', '0s', '59s', '1m', '59m', '1h', '23h', '1d']);
  });
});

describe('printable', () => {
  it('disarms what a terminal would act on, and leaves letters of all kinds', () => {
    assert.equal(printable('a\u001B]0;x\u0007\u202Eb\n'), 'a?]0;x??b?');
    assert.equal(printable('größe 東京'), 'größe 東京');
  });
});

describe('TextFinder', () => {
  it('finds a text that comes in pieces', () => {
    const finder = new TextFinder('ready');
    const found = ['re', 'a', 'rea', 'dy'].map((piece) => finder.isFoundIn(Buffer.from(piece)));
    assert.deepEqual(found, [false, false, false, true]);
  });

  it('never finds nothing', () => {
    assert.equal(new TextFinder(undefined).isFoundIn(Buffer.from('x')), false);
  });
});
