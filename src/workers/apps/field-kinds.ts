/** The kinds of value that a manifest can hold. Times are milliseconds inside, sizes bytes. */
import { isAbsolute, normalize } from 'node:path/posix';
import { isIP } from 'node:net';
import { DAY_MS, formatBytes, GIB, HOUR_MS, MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { FieldKind } from './field-reader.ts';

const LONGEST_PATH = 1024;
const LONGEST_URL_PATH = 1024;
const KIB = 1024;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const DURATION_UNITS = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS } as const;
const SIZE = /^(\d{1,9})(KiB|MiB|GiB)$/;
const SIZE_UNITS = { KiB: KIB, MiB: MIB, GiB: GIB } as const;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

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

/** Of a file or folder inside the app, written the one way there is to write it. */
export const innerPath = textMatching(
  'a path inside the app, relative and without ..',
  (text) =>
    isPathText(text) &&
    !isAbsolute(text) &&
    !text.split('/').includes('..') &&
    `./${normalize(text)}` !== './.',
);

export const absolutePath = textMatching(
  'an absolute path without ..',
  (text) => isPathText(text) && isAbsolute(text) && !text.split('/').includes('..'),
);

/** Of a request to the app. */
export const urlPath = textMatching(
  'a path that starts with a single /, with a query if need be',
  (text) =>
    text.length <= LONGEST_URL_PATH &&
    /^\/(?!\/)[\u0021-\u007e]*$/.test(text) &&
    !text.includes('#') &&
    !text.includes('\\'),
);

/** What an app may call; see AppBinding. */
export const allowedHost = textMatching(
  'a host, host:port, *.domain, an address, or * for any public host, in lower case',
  (text) => {
    if (text === '*') return true;
    const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
    if (bracketed !== undefined) return isIP(bracketed) === 6;
    return plain !== undefined && HOST_NAME.test(plain.replace(/^\*\./, ''));
  },
);

function isPathText(text: string): boolean {
  const isShort = text !== '' && Buffer.byteLength(text) <= LONGEST_PATH;
  return isShort && !text.includes('\\') && !CONTROL.test(text);
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
