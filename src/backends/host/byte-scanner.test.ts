import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteScanner } from './byte-scanner.ts';

function scan(text: string): ByteScanner {
  const scanner = new ByteScanner();
  const bytes = Buffer.from(text);
  scanner.reset(bytes, bytes.length);
  return scanner;
}

describe('ByteScanner', () => {
  it('reads whole numbers between blanks', () => {
    const scanner = scan('  12\t-7 0\n');
    assert.deepEqual([scanner.number(), scanner.number(), scanner.number()], [12, -7, 0]);
    assert.equal(scanner.isAtLineEnd, true);
  });

  it('takes what is no number for none, and goes on after it', () => {
    const scanner = scan('12x - 1.5 8\n');
    const read = [scanner.number(), scanner.number(), scanner.number(), scanner.number()];
    assert.deepEqual(read, [NaN, NaN, NaN, 8]);
  });

  it('does not read past the end of the line', () => {
    const scanner = scan('1\n2\n');
    assert.equal(scanner.number(), 1);
    assert.equal(scanner.number(), NaN);
    scanner.skipLine();
    assert.equal(scanner.number(), 2);
  });

  it('does not read past what was read, though the buffer holds more', () => {
    const scanner = new ByteScanner();
    scanner.reset(Buffer.from('12345\n6'), 3);
    assert.equal(scanner.number(), 123);
    scanner.skipLine();
    assert.equal(scanner.isAtEnd, true);
  });

  it('reads decimal numbers in hundredths, cut off', () => {
    const scanner = scan('0.09 12.3 7 100.999 .5 1.2.3\n');
    const read = Array.from({ length: 4 }, () => scanner.hundredths());
    assert.deepEqual(read, [9, 1230, 700, 10099]);
    assert.equal(scanner.hundredths(), NaN);
  });

  it('reads hexadecimal numbers up to what is none', () => {
    const scanner = scan('0000001f:DeadBeef zz\n');
    assert.equal(scanner.hex(), 31);
    assert.equal(scanner.skipPast(58), true);
    assert.equal(scanner.hex(), 0xdeadbeef);
    assert.equal(scanner.hex(), NaN);
  });

  it('finds a character in this line only', () => {
    const scanner = scan('ab\nc:d\n');
    assert.equal(scanner.skipPast(58), false);
    scanner.skipLine();
    assert.equal(scanner.skipPast(58), true);
    assert.equal(scanner.word(), 'd');
  });

  it('comes to an end in bytes of any kind', () => {
    const scanner = scan('a\u0001\u0002 \u0000b\r\n');
    let words = 0;
    while (!scanner.isAtLineEnd) {
      scanner.skipWord();
      scanner.skipBlanks();
      words += 1;
    }
    assert.equal(words, 2);
  });
});
