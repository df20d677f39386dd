import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bitsPerSecond,
  bytes,
  bytesPerSecond,
  count,
  countPerSecond,
  decimal,
  percent,
  quantityToText,
  shareOf,
  type Known,
  type Quantity,
} from './numbers.ts';

const CASES: readonly (readonly [(value: Known) => Quantity, Known, string])[] = [
  [bytes, 0, '0 B'],
  [bytes, 512, '512 B'],
  [bytes, 1023.9, '1.00 KiB'],
  [bytes, 1536, '1.50 KiB'],
  [bytes, 1024 ** 3 * 12.34, '12.3 GiB'],
  [bytes, 1024 ** 4 * 345.6, '346 TiB'],
  [bytes, null, '–'],
  [bytes, undefined, '–'],
  [bytes, Number.NaN, '–'],
  [bytesPerSecond, 1024 ** 2, '1.00 MiB/s'],
  [bytesPerSecond, null, '–'],
  [bitsPerSecond, 125_000_000, '1.00 Gbit/s'],
  [countPerSecond, 1_234_567, '1.23 M/s'],
  [count, 1_234_567, '1,234,567'],
  [percent, 0, '0%'],
  [percent, 7.25, '7.3%'],
  [percent, 42.4, '42%'],
  [percent, 99.97, '99.9%'],
  [percent, 100, '100%'],
  [decimal, 60, '60'],
  [decimal, 0.4231, '0.42'],
  [decimal, 12.34, '12.3'],
  [decimal, 999.9, '1,000'],
];

describe('numbers', () => {
  for (const [format, value, text] of CASES) {
    it(`writes ${String(value)} as ${text} by ${format.name}`, () => {
      assert.equal(quantityToText(format(value)), text);
    });
  }

  it('knows no share of an unknown whole, nor of none', () => {
    assert.equal(shareOf(1, 4), 25);
    assert.equal(shareOf(1, 0), null);
    assert.equal(shareOf(null, 4), null);
  });
});
