import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toCsv } from './csv.ts';

describe('toCsv', () => {
  it('leaves cells of the unknown empty, and quotes what needs it', () => {
    const text = toCsv(
      ['time', 'a "b", c'],
      [
        ['12:00', 1.5],
        ['12:01', null],
        ['12:02', NaN],
      ],
    );
    assert.equal(text, 'time,"a ""b"", c"\r\n12:00,1.5\r\n12:01,\r\n12:02,\r\n');
  });

  it('writes nothing that a spreadsheet takes for a formula', () => {
    assert.equal(toCsv(['=HYPERLINK(1)'], []), "'=HYPERLINK(1)\r\n");
  });
});
