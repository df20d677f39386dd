/** Numbers as this API writes them: what is unknown is null, and never a zero. */
import { GIB, MIB } from '#kernel/units.ts';

type Known = number | undefined;

const DIGITS = 2;
const FINE_DIGITS = 4;

export function toNumber(value: Known, digits = DIGITS): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

/** The document's GB are those of 1024 cubed. Small sizes keep more digits: 3 MB are not 0. */
export function toGb(bytes: Known): number | null {
  return toNumber(bytes === undefined ? undefined : bytes / GIB, FINE_DIGITS);
}

export function toMb(bytes: Known): number | null {
  return toNumber(bytes === undefined ? undefined : bytes / MIB);
}

/** For counters and rates, which the original writes without a fraction. */
export function toWhole(value: Known): number | null {
  return toNumber(value, 0);
}

export function toPercentOf(part: Known, whole: Known): number | null {
  if (part === undefined || whole === undefined || whole === 0) return null;
  return toNumber((part * 100) / whole);
}

export function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** Undefined when any is unknown, or the list is: a sum without it would be wrong. */
export function sumOf(values: readonly Known[] | undefined): Known {
  return values?.reduce<Known>(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}
