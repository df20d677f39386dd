/** An instant in a query: unix seconds, RFC 3339, `now`, or a time ago such as `-1h`. */
import { invalidArgument } from '#kernel/errors.ts';
import { parseDuration } from '#metrics/thresholds/duration.ts';

const UNIX_SECONDS = /^\d{1,10}(?:\.\d{1,9})?$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;
const DIGITS = /^\d{11,}$/;

/** Milliseconds since 1970. */
export function parseInstant(text: string, field: string, nowMs: number): number {
  if (text === 'now') return nowMs;
  if (UNIX_SECONDS.test(text)) return Math.round(Number(text) * 1000);
  if (text.startsWith('-')) {
    const agoMs = parseDuration(text.slice(1));
    if (agoMs !== undefined) return nowMs - agoMs;
  }
  // In a query string a plus sign that is not escaped has become a space.
  const spelled = text.replace(/ (\d\d:\d\d)$/, '+$1');
  const ms = RFC3339.test(spelled) ? Date.parse(spelled.replace(' ', 'T')) : NaN;
  if (!Number.isNaN(ms)) return ms;
  const hint = DIGITS.test(text) ? '; this looks like milliseconds' : '';
  throw invalidArgument(
    field,
    `must be seconds since 1970, a time such as 2026-01-31T12:00:00Z, now, or -1h${hint}`,
  );
}
