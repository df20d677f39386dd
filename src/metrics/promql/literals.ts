/** Numbers, durations and strings as a query writes them. Undefined: not one. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

const DURATION_UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * DAY_MS],
  ['w', 7 * DAY_MS],
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', SECOND_MS],
  ['ms', 1],
];
const DURATION_FORM = new RegExp(
  `^(?=\\d)${DURATION_UNITS.map(([unit]) => `(?:(\\d+)${unit})?`).join('')}$`,
);
/** What a count of nanoseconds in 64 bits can hold. */
const MAX_DURATION_MS = 292 * 365 * DAY_MS;

/** `1h30m`: whole numbers with units, the greater before the lesser. */
export function parseDurationMs(text: string): number | undefined {
  const found = DURATION_FORM.exec(text);
  if (found === null) return undefined;
  let totalMs = 0;
  for (const [at, [, ms]] of DURATION_UNITS.entries()) totalMs += Number(found[at + 1] ?? 0) * ms;
  return totalMs <= MAX_DURATION_MS ? totalMs : undefined;
}

/** Decimal, hexadecimal, octal with a leading zero, infinite or not a number; without a sign. */
export function parseNumber(text: string): number | undefined {
  const word = text.toLowerCase();
  if (word === 'inf') return Infinity;
  if (word === 'nan') return NaN;
  if (/^0x[0-9a-f]+$/.test(word)) return Number(word);
  if (/^0[0-7]+$/.test(word)) return parseInt(word, 8);
  if (/^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(word)) return Number(word);
  return undefined;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
};
const ESCAPE =
  /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^xuU0-7]))|\\/g;

/** With its quotes. Between backquotes nothing is special. */
export function parseString(text: string): string | undefined {
  const quote = text[0] ?? '';
  if (text.length < 2 || !text.endsWith(quote)) return undefined;
  const inner = text.slice(1, -1);
  if (quote === '`') return inner;
  // What follows an odd number of backslashes is escaped, also a closing quote.
  if ((/\\*$/.exec(inner)?.[0].length ?? 0) % 2 === 1) return undefined;
  let isValid = true;
  const other = quote === '"' ? "'" : '"';
  const plain = inner.replaceAll(ESCAPE, (...found: (string | undefined)[]) => {
    const [, hex, short, long, octal, simple] = found;
    const code = hex ?? short ?? long;
    const point = code === undefined ? parseInt(octal ?? '', 8) : parseInt(code, 16);
    const known = simple === other ? undefined : SIMPLE_ESCAPES[simple ?? ''];
    const isPoint = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    if (known === undefined && !isPoint) isValid = false;
    return known ?? (isPoint ? String.fromCodePoint(point) : '');
  });
  return isValid ? plain : undefined;
}
