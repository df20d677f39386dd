/**
 * Numbers as people read them: three digits that count, and a unit of its own. What is not known is
 * a dash, never a zero.
 */

/** A number and its unit, to be set apart from each other: `12.4`, `GiB`. */
export interface Quantity {
  readonly value: string;
  /** Empty for a bare number. */
  readonly unit: string;
}

export type Known = number | null | undefined;

export const UNKNOWN: Quantity = { value: '–', unit: '' };

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P'];
const BETWEEN_THOUSANDS = /\B(?=(?:\d{3})+$)/g;

export function quantityToText({ value, unit }: Quantity): string {
  return unit === '' || unit === '%' ? value + unit : `${value} ${unit}`;
}

/** `1536` → `1.50 KiB`. */
export function bytes(count: Known): Quantity {
  return scaled(count, { steps: BINARY, base: 1024 });
}

/** `1536` → `1.50 KiB/s`. */
export function bytesPerSecond(rate: Known): Quantity {
  return withUnit(bytes(rate), (unit) => `${unit}/s`);
}

/** Of networks, which count bits in thousands: `125000000` bytes → `1.00 Gbit/s`. */
export function bitsPerSecond(bytesRate: Known): Quantity {
  const bits = isKnown(bytesRate) ? bytesRate * 8 : null;
  return withUnit(scaled(bits, { steps: DECIMAL, base: 1000 }), (unit) => `${unit}bit/s`);
}

/** `1234567` → `1.23 M`, with a unit such as `/s` behind it. */
export function countPerSecond(rate: Known): Quantity {
  return withUnit(scaled(rate, { steps: DECIMAL, base: 1000 }), (unit) => `${unit}/s`);
}

/** Whole, with thousands apart: `1,234`. */
export function count(number: Known): Quantity {
  if (!isKnown(number)) return UNKNOWN;
  return { value: thousandsApart(number), unit: '' };
}

/** Of a share from 0 to 100: `7.25` → `7.3%`. */
export function percent(share: Known): Quantity {
  if (!isKnown(share)) return UNKNOWN;
  if (share === 0) return { value: '0', unit: '%' };
  // 99.96 is not all of it.
  const digits = Math.abs(share) < 10 ? 1 : 0;
  const isNearlyAll = share < 100 && share >= 99.5;
  const value = isNearlyAll ? (Math.floor(share * 10) / 10).toFixed(1) : share.toFixed(digits);
  return { value: value === '-0.0' ? '0.0' : value, unit: '%' };
}

/** Of a part and its whole; unknown when the whole is nothing. */
export function shareOf(part: Known, whole: Known): number | null {
  return isKnown(part) && isKnown(whole) && whole > 0 ? (part / whole) * 100 : null;
}

/** With three digits that count: `0.42`, `12.3`, `1,234`; whole ones as they are. */
export function decimal(number: Known, unit = ''): Quantity {
  if (!isKnown(number)) return UNKNOWN;
  return { value: Number.isInteger(number) ? thousandsApart(number) : threeDigits(number), unit };
}

export function celsius(degrees: Known): Quantity {
  return isKnown(degrees) ? { value: degrees.toFixed(0), unit: '°C' } : UNKNOWN;
}

export function isKnown(number: Known): number is number {
  return typeof number === 'number' && Number.isFinite(number);
}

interface Scale {
  readonly steps: readonly string[];
  readonly base: number;
}

function scaled(number: Known, { steps, base }: Scale): Quantity {
  if (!isKnown(number)) return UNKNOWN;
  let value = number;
  let step = 0;
  // What would be written as 1000 or 1024 of a step is one of the next.
  while (Math.abs(value) >= base - base / 2000 && step < steps.length - 1) {
    value /= base;
    step += 1;
  }
  const unit = steps[step] ?? '';
  return { value: step === 0 ? trimZeros(threeDigits(value)) : threeDigits(value), unit };
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size >= 999.5) return thousandsApart(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return value === 0 ? '0' : value.toFixed(2);
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function withUnit(quantity: Quantity, change: (unit: string) => string): Quantity {
  return quantity === UNKNOWN ? UNKNOWN : { ...quantity, unit: change(quantity.unit) };
}

function thousandsApart(number: number): string {
  return number.toFixed(0).replace(BETWEEN_THOUSANDS, ',');
}
