/** Lengths of time and instants as people read them. */
import { UNKNOWN, isKnown, type Known, type Quantity } from './numbers.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** Not by `Intl`: that takes long before its first date, and the page has one in its first view. */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

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
  if (!isKnown(atMs)) return UNKNOWN.value;
  const at = new Date(atMs);
  return `${dayOf(at)} ${at.getFullYear()}, ${clockOf(at)}`;
}

/** Of lines that follow each other closely: `20:22:26.104`, by the person's own clock. */
export function exactTime(atMs: Known): string {
  if (!isKnown(atMs)) return UNKNOWN.value;
  const at = new Date(atMs);
  return `${clockOf(at)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** As clocks there show it, to the minute: `Mon, 23 Nov 2026, 02:30`. */
export function timeIn(zone: string, atMs: Known): string {
  if (!isKnown(atMs)) return UNKNOWN.value;
  return new Intl.DateTimeFormat('en-GB', { ...TO_THE_MINUTE, timeZone: zone }).format(atMs);
}

const TO_THE_MINUTE: Intl.DateTimeFormatOptions = {
  ...{ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit' },
};

/** Of the labels below an axis: as much as the span asks for. */
export function axisTime(atMs: number, spanSeconds: number): string {
  const at = new Date(atMs);
  if (spanSeconds <= 15 * MINUTE_S) return clockOf(at);
  return spanSeconds <= 2 * DAY_S ? clockOf(at).slice(0, 5) : dayOf(at);
}

function dayOf(at: Date): string {
  return `${twoDigits(at.getDate())} ${MONTHS[at.getMonth()]}`;
}

function clockOf(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
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
