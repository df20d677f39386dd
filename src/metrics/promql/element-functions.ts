/** Functions of each value by itself, with up to two scalars. */
import type { TIME_FUNCTIONS } from './function-table.ts';
import { DAY_MS, SECOND_MS } from '#kernel/units.ts';

export type ElementFunction = (value: number, first: number, second: number) => number;

const DEGREES = 180 / Math.PI;

/** To the nearest multiple, halves upwards. By the inverse, so that 0.1 does what is expected. */
function roundTo(value: number, multiple: number): number {
  const inverse = 1 / multiple;
  return Math.floor(value * inverse + 0.5) / inverse;
}

export const ELEMENT_FUNCTIONS = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  cos: Math.cos,
  cosh: Math.cosh,
  sin: Math.sin,
  sinh: Math.sinh,
  tan: Math.tan,
  tanh: Math.tanh,
  deg: (value) => value * DEGREES,
  rad: (value) => value / DEGREES,
  clamp: (value, least, most) => Math.max(least, Math.min(most, value)),
  clamp_min: (value, least) => Math.max(least, value),
  clamp_max: (value, most) => Math.min(most, value),
  round: roundTo,
} satisfies Record<string, ElementFunction>;

/** Of a time in seconds, in UTC. */
export const TIME_PARTS: Record<(typeof TIME_FUNCTIONS)[number], (date: Date) => number> = {
  minute: (date) => date.getUTCMinutes(),
  hour: (date) => date.getUTCHours(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_month: (date) => date.getUTCDate(),
  day_of_year: (date) =>
    Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1,
  days_in_month: (date) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
};

export function secondsToDate(seconds: number): Date {
  return new Date(Math.trunc(seconds) * SECOND_MS);
}
