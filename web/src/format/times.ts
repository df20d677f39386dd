/** Lengths of time and instants as people read them. */
import { UNKNOWN, isKnown, type Known, type Quantity } from './numbers.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

const DATE_TIME = new Intl.DateTimeFormat('en-GB', {
  ...{ year: 'numeric', month: 'short', day: '2-digit' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
});
const CLOCK = new Intl.DateTimeFormat('en-GB', {
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
});
const DAY = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });

/** The two largest parts: `3 d 4 h`, `5 min 20 s`, `0.8 s`, `12 ms`. */
export function duration(seconds: Known): string {
  if (!isKnown(seconds)) return UNKNOWN.value;
  const whole = Math.round(Math.abs(seconds));
  if (Math.abs(seconds) < 0.9995) return `${Math.round(Math.abs(seconds) * 1000)} ms`;
  if (Math.abs(seconds) < 9.95 && !Number.isInteger(seconds))
    return `${Math.abs(seconds).toFixed(1)} s`;
  if (whole < MINUTE_S) return `${whole} s`;
  if (whole < HOUR_S) return twoParts(whole, [MINUTE_S, 'min'], [1, 's']);
  if (whole < DAY_S) return twoParts(whole, [HOUR_S, 'h'], [MINUTE_S, 'min']);
  return twoParts(whole, [DAY_S, 'd'], [HOUR_S, 'h']);
}

type Part = readonly [seconds: number, unit: string];

function twoParts(whole: number, [large, unit]: Part, [small, smallUnit]: Part): string {
  const first = Math.floor(whole / large);
  const second = Math.floor((whole % large) / small);
  return second === 0 ? `${first} ${unit}` : `${first} ${unit} ${second} ${smallUnit}`;
}

/** One part alone: `now`, `12 s ago`, `5 min ago`, `in 2 h`. */
export function relativeTime(atMs: Known, nowMs: number): string {
  if (!isKnown(atMs)) return UNKNOWN.value;
  const seconds = Math.round((nowMs - atMs) / 1000);
  const size = Math.abs(seconds);
  if (size < 2) return 'now';
  const text = onePart(size);
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function onePart(seconds: number): string {
  if (seconds < MINUTE_S) return `${seconds} s`;
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`;
  if (seconds < 2 * DAY_S) return `${Math.floor(seconds / HOUR_S)} h`;
  return `${Math.floor(seconds / DAY_S)} d`;
}

/** In the time of the person's own clock: `21 Nov 2026, 20:22:26`. */
export function dateTime(atMs: Known): string {
  return isKnown(atMs) ? DATE_TIME.format(atMs) : UNKNOWN.value;
}

/** Of the labels below an axis: as much as the span asks for. */
export function axisTime(atMs: number, spanSeconds: number): string {
  if (spanSeconds <= 15 * MINUTE_S) return CLOCK.format(atMs);
  if (spanSeconds <= 2 * DAY_S) return CLOCK.format(atMs).slice(0, 5);
  return DAY.format(atMs);
}

/** An ISO instant of an answer; undefined when it is none. */
export function parseInstant(text: string | null | undefined): number | undefined {
  const ms = text === null || text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A quantity out of a text, where one is asked for. */
export function durationQuantity(seconds: Known): Quantity {
  return isKnown(seconds) ? { value: duration(seconds), unit: '' } : UNKNOWN;
}
