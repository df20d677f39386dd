/**
 * Up to 128 values in as few bits as can be. Each block is written in the way that is shortest for
 * it:
 *
 *   zero     every value is the one before it: two bytes for any number of such blocks in a row
 *   least    differences, as offsets from the smallest of them: counters
 *   middle   differences, around the middle one, either way: gauges that wander
 *   sparse   a bit for each value whether it differs, and those differences: gauges that rest
 *   values   the values themselves around the middle one: gauges that come back
 *   raw      eight bytes each, for what is no whole number or too large for exact differences
 *
 * Numbers are Rice coded: the part above `shift` bits in ones, then those bits. Where the first
 * part would be too long, `ESCAPE` ones say that a width and the plain number follow. A block whose
 * numbers are all zero, a straight line, has none of them: its shift is `NO_NUMBERS`.
 */
import { damagedError, type ByteReader } from './byte-reader.ts';
import { BitReader } from './bit-reader.ts';
import { BitWriter } from './bit-writer.ts';
import type { ByteWriter } from '#metrics/byte-writer.ts';

export const BLOCK_VALUES = 128;

const ZERO = 0;
const LEAST = 1;
const MIDDLE = 2;
const SPARSE = 3;
const VALUES = 4;
const RAW = 5;

/** Differences of two such values, and offsets between two of those, are exact. */
const MOST_MAGNITUDE = 2 ** 51;
const ESCAPE = 20;
const WIDTH_BITS = 6;
const MOST_SHIFT = 53;
const NO_NUMBERS = 63;
const HEADER_BITS = 24;

function isCompressible(value: number): boolean {
  return Number.isInteger(value) && value <= MOST_MAGNITUDE && value >= -MOST_MAGNITUDE;
}

/** What the next block takes its first difference from. */
export function baseAfter(value: number): number {
  return isCompressible(value) ? value : 0;
}

export function encodeZeroBlocks(out: ByteWriter, blocks: number): void {
  out.u8(ZERO);
  out.varint(blocks);
}

const differences = new Float64Array(BLOCK_VALUES);
const sorted = new Float64Array(BLOCK_VALUES);
/** One list of numbers to be coded for each way of writing a block. */
const coded = Array.from({ length: RAW }, () => new Float64Array(BLOCK_VALUES));

interface Way {
  readonly mode: number;
  readonly numbers: Float64Array;
  readonly count: number;
  readonly origin: number;
  readonly shift: number;
  readonly bits: number;
}

/** Not for a block of nothing but zero differences; a run of those is `encodeZeroBlocks`. */
export function encodeBlock(out: ByteWriter, values: Float64Array, base: number): void {
  const way = values.every(isCompressible) ? shortestWay(values, base) : undefined;
  if (way === undefined || way.bits >= values.length * 64) {
    out.u8(RAW);
    for (const value of values) out.float64(value);
    return;
  }
  const { mode, numbers, count, origin, shift } = way;
  out.u8(mode);
  out.u8(shift);
  out.signed(origin);
  const writer = new BitWriter(out);
  if (mode === SPARSE) {
    for (let at = 0; at < values.length; at += 1) writer.bits(differences[at] === 0 ? 0 : 1, 1);
  }
  const written = shift === NO_NUMBERS ? 0 : count;
  for (let at = 0; at < written; at += 1) writeRice(writer, numbers[at] ?? 0, shift);
  writer.end();
}

function shortestWay(values: Float64Array, base: number): Way {
  const { length } = values;
  let before = base;
  let changes = 0;
  let least = Infinity;
  for (let at = 0; at < length; at += 1) {
    const value = values[at] ?? 0;
    const difference = value - before;
    before = value;
    differences[at] = difference;
    if (difference < least) least = difference;
    if (difference !== 0) changes += 1;
  }
  const all = differences.subarray(0, length);
  const ways = [wayFrom(LEAST, all, least), wayFrom(MIDDLE, all, middleOf(all))];
  if (changes * 2 < length) {
    const changed = all.filter((difference) => difference !== 0);
    ways.push(wayFrom(SPARSE, changed, middleOf(changed), length));
  } else {
    ways.push(wayFrom(VALUES, values, middleOf(values)));
  }
  return ways.reduce((best, way) => (way.bits < best.bits ? way : best));
}

function middleOf(values: Float64Array): number {
  const ordered = sorted.subarray(0, values.length);
  ordered.set(values);
  ordered.sort();
  return ordered[values.length >>> 1] ?? 0;
}

function wayFrom(mode: number, values: Float64Array, origin: number, extraBits = 0): Way {
  const numbers = coded[mode] ?? new Float64Array(BLOCK_VALUES);
  const count = values.length;
  for (let at = 0; at < count; at += 1) {
    const offset = (values[at] ?? 0) - origin;
    // Left and right of the middle in turn: 0, -1, 1, -2, 2 are 0 to 4.
    numbers[at] =
      mode === LEAST || offset === 0 ? offset : offset > 0 ? offset * 2 : -offset * 2 - 1;
  }
  const { shift, bits } = bestShift(numbers, count);
  return { mode, numbers, count, origin, shift, bits: bits + extraBits + HEADER_BITS };
}

/** Starts at what fits the mean and goes down while it helps: a few large ones raise the mean. */
function bestShift(numbers: Float64Array, count: number): { shift: number; bits: number } {
  let sum = 0;
  for (let at = 0; at < count; at += 1) sum += numbers[at] ?? 0;
  if (sum === 0) return { shift: NO_NUMBERS, bits: 0 };
  const mean = sum / count;
  let shift = mean < 1 ? 0 : Math.min(MOST_SHIFT, Math.floor(Math.log2(mean)) + 1);
  let bits = riceBits(numbers, count, shift);
  while (shift > 0) {
    const fewer = riceBits(numbers, count, shift - 1);
    if (fewer > bits) break;
    bits = fewer;
    shift -= 1;
  }
  return { shift, bits };
}

function riceBits(numbers: Float64Array, count: number, shift: number): number {
  const unit = 2 ** shift;
  let bits = count * (shift + 1);
  for (let at = 0; at < count; at += 1) {
    const quotient = Math.floor((numbers[at] ?? 0) / unit);
    bits += quotient < ESCAPE ? quotient : ESCAPE + WIDTH_BITS + MOST_SHIFT - shift;
  }
  return bits;
}

function writeRice(writer: BitWriter, number: number, shift: number): void {
  const unit = 2 ** shift;
  const quotient = Math.floor(number / unit);
  if (quotient >= ESCAPE) {
    const width = Math.min(MOST_SHIFT, Math.floor(Math.log2(number)) + 2);
    writer.ones(ESCAPE);
    writer.bits(width, WIDTH_BITS);
    writer.bits(number, width);
    return;
  }
  writer.ones(quotient);
  writer.bits(0, 1);
  writer.bits(number - quotient * unit, shift);
}

/** Reads blocks until `values` is full. */
export function decodeBlocks(bytes: Uint8Array, reader: ByteReader, values: Float64Array): void {
  let base = reader.signed();
  let at = 0;
  while (at < values.length) {
    const mode = reader.u8();
    if (mode === ZERO) {
      const blocks = reader.count(Math.ceil((values.length - at) / BLOCK_VALUES), 'blocks');
      if (blocks === 0) throw damagedError('a run of blocks is empty');
      const end = Math.min(values.length, at + blocks * BLOCK_VALUES);
      values.fill(base, at, end);
      at = end;
      continue;
    }
    const block = values.subarray(at, at + BLOCK_VALUES);
    if (mode === RAW)
      for (let slot = 0; slot < block.length; slot += 1) block[slot] = reader.float64();
    else decodeBits(bytes, reader, { mode, block, base });
    at += block.length;
    base = baseAfter(values[at - 1] ?? 0);
  }
}

interface Block {
  readonly mode: number;
  readonly block: Float64Array;
  readonly base: number;
}

const isChange = new Uint8Array(BLOCK_VALUES);
const decoded = new Float64Array(BLOCK_VALUES);
/** Numbers below this are whole 31-bit ones, for which bit operations will do. */
const SMALL = 2 ** 31;

function decodeBits(bytes: Uint8Array, reader: ByteReader, { mode, block, base }: Block): void {
  if (mode > VALUES) throw damagedError(`there is no kind of block ${mode}`);
  const shift = reader.u8();
  if (shift > MOST_SHIFT && shift !== NO_NUMBERS) throw damagedError(`there is no shift ${shift}`);
  const origin = reader.signed();
  const bits = new BitReader(bytes, reader.position);
  let count = block.length;
  if (mode === SPARSE) {
    count = 0;
    for (let at = 0; at < block.length; at += 1) count += isChange[at] = bits.bits(1);
  }
  const numbers = decoded.subarray(0, count);
  if (shift === NO_NUMBERS) numbers.fill(0);
  else readNumbers(bits, numbers, shift);
  if (mode !== LEAST) aroundMiddle(numbers);
  let value = base;
  if (mode === SPARSE) {
    let next = 0;
    for (let at = 0; at < block.length; at += 1) {
      if (isChange[at] !== 0) value += origin + (numbers[next++] ?? 0);
      block[at] = value;
    }
  } else if (mode === VALUES) {
    for (let at = 0; at < block.length; at += 1) block[at] = origin + (numbers[at] ?? 0);
  } else {
    for (let at = 0; at < block.length; at += 1) {
      value += origin + (numbers[at] ?? 0);
      block[at] = value;
    }
  }
  reader.take(bits.end() - reader.position);
}

function readNumbers(bits: BitReader, numbers: Float64Array, shift: number): void {
  if (shift <= 24) {
    bits.rice(numbers, shift, ESCAPE);
    return;
  }
  const unit = 2 ** shift;
  for (let at = 0; at < numbers.length; at += 1) {
    const ones = bits.ones(ESCAPE);
    numbers[at] = ones < ESCAPE ? ones * unit + bits.bits(shift) : bits.bits(bits.bits(WIDTH_BITS));
  }
}

/** Numbers become offsets to the right of the middle, odd ones to the left. */
function aroundMiddle(numbers: Float64Array): void {
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? 0;
    if (number < SMALL) numbers[at] = (number >>> 1) ^ -(number & 1);
    else numbers[at] = number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }
}
