/** Lengths of time as people write them: `90`, `5m`, `1h30m`. */

const UNITS = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const FORM = /^(?:\d{1,9}(?:ms|[wdhms]))+$/;
const PART = /(\d+)(ms|[wdhms])/g;
const SECONDS_FORM = /^\d{1,9}(?:\.\d{1,3})?$/;

/** Milliseconds. A number, or text without a unit, is seconds; undefined for anything else. */
export function parseDuration(raw: unknown): number | undefined {
  if (typeof raw === 'number') return raw >= 0 ? toWholeMs(raw * 1000) : undefined;
  if (typeof raw !== 'string') return undefined;
  const text = raw.trim();
  if (SECONDS_FORM.test(text)) return toWholeMs(Number(text) * 1000);
  if (!FORM.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PART)) {
    ms += Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? NaN);
  }
  return toWholeMs(ms);
}

/** The shortest text that is read back as the same length: `1h30m`, `0s`. */
export function durationToText(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const [name, ms] of UNITS) {
    const count = Math.floor(rest / ms);
    if (count > 0) text += `${count}${name}`;
    rest -= count * ms;
  }
  return text === '' ? '0s' : text;
}

function toWholeMs(ms: number): number | undefined {
  const whole = Math.round(ms);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
