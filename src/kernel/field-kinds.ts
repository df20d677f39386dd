/** Kinds of value that people write into files and requests. Times are milliseconds inside. */
import type { FieldKind } from './field-reader.ts';
import { DAY_MS, formatBytes, GIB, HOUR_MS, MIB, MINUTE_MS, SECOND_MS } from './units.ts';

const KIB = 1024;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const DURATION_UNITS = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS } as const;
const SIZE = /^(\d{1,9})(KiB|MiB|GiB)$/;
const SIZE_UNITS = { KiB: KIB, MiB: MIB, GiB: GIB } as const;

export function textMatching(
  expectation: string,
  fits: (text: string) => boolean,
): FieldKind<string> {
  return {
    expectation,
    parse: (raw) => (typeof raw === 'string' && fits(raw) ? raw : undefined),
  };
}

export function oneOf<T extends string>(choices: readonly T[]): FieldKind<T> {
  return {
    expectation: `one of ${choices.join(', ')}`,
    parse: (raw) => choices.find((choice) => choice === raw),
  };
}

/** As JSON and YAML write it; in a query it is a word. */
export const flag: FieldKind<boolean> = {
  expectation: 'true or false',
  parse(raw) {
    if (raw === true || raw === 'true') return true;
    return raw === false || raw === 'false' ? false : undefined;
  },
};

export function whole(least: number, most: number): FieldKind<number> {
  return {
    expectation: `a whole number from ${least} to ${most}`,
    parse: (raw) =>
      typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most
        ? raw
        : undefined,
  };
}

/** A bare number is seconds, as in most manifests of the kind. */
export function duration(leastMs: number, mostMs: number): FieldKind<number> {
  return {
    expectation:
      `a time from ${showTime(leastMs)} to ${showTime(mostMs)}: ` +
      'seconds, or such as 250ms, 30s, 5m, 1h',
    parse(raw) {
      const ms =
        typeof raw === 'number'
          ? Math.round(raw * SECOND_MS)
          : parseUnits(raw, DURATION, DURATION_UNITS);
      return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
    },
  };
}

export function size(leastBytes: number, mostBytes: number): FieldKind<number> {
  return {
    expectation:
      `a size from ${formatBytes(leastBytes)} to ${formatBytes(mostBytes)}: ` +
      'bytes, or such as 256MiB, 1GiB',
    parse(raw) {
      const bytes = typeof raw === 'number' ? raw : parseUnits(raw, SIZE, SIZE_UNITS);
      if (bytes === undefined || !Number.isInteger(bytes)) return undefined;
      return bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
    },
  };
}

function parseUnits(
  raw: unknown,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | undefined {
  const [, digits, unit = ''] = (typeof raw === 'string' ? pattern.exec(raw) : null) ?? [];
  const factor = units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function showTime(ms: number): string {
  const units = Object.entries(DURATION_UNITS).toReversed();
  const [unit, factor] = units.find(([, it]) => ms % it === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}
