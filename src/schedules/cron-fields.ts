/**
 * Reads the five fields of a cron expression, names the one that is wrong, and writes them anew in
 * the plain form that the library understands: numbers, and `*` only where it means something.
 *
 * - A day counts when the day of the month or the weekday fits, where both are restricted. A field
 *   is unrestricted when it holds `*` or `?` by itself; with a step, as in `*` `/2`, it is not.
 * - An hour field that lets every hour through stays `*`. Such a schedule goes by real time when
 *   clocks change; all others name times of the day, which happen once each day.
 */
import { invalidArgument, type DroverError } from '#kernel/errors.ts';

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words: Readonly<Record<string, number>>;
  /** For the sentence that refuses a text. */
  readonly hint: string;
}

const MONTHS = numbered(
  ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  1,
);
const WEEKDAYS = numbered(['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'], 0);

const RULES = [
  { name: 'minute', min: 0, max: 59, words: {}, hint: '0 to 59' },
  { name: 'hour', min: 0, max: 23, words: {}, hint: '0 to 23' },
  { name: 'day of the month', min: 1, max: 31, words: {}, hint: '1 to 31' },
  { name: 'month', min: 1, max: 12, words: MONTHS, hint: '1 to 12, or JAN to DEC' },
  // Sunday is 0, and 7 for those who are used to it.
  { name: 'weekday', min: 0, max: 7, words: WEEKDAYS, hint: '0 to 6, or SUN to SAT' },
] as const satisfies readonly FieldRule[];

const MOST_ITEMS = 60;
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

interface Field {
  readonly values: ReadonlySet<number>;
  readonly isStar: boolean;
}

/** What the library is given; throws `invalid_argument` for the field `schedule`. */
export function parseCronFields(text: string): string {
  const parts = text.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== RULES.length) throw wrongCount(parts.length);
  const fields = RULES.map((rule, at) => parseField(rule, parts[at] ?? ''));
  const [minute, hour, day, month, weekday] = fields;
  if (!minute || !hour || !day || !month || !weekday) throw wrongCount(parts.length);
  assertComes(day, month, weekday);
  return [
    listOf(minute),
    hour.values.size === 24 ? '*' : listOf(hour),
    day.isStar ? '*' : listOf(day),
    listOf(month),
    weekday.isStar ? '*' : listOf(weekday),
  ].join(' ');
}

function parseField(rule: FieldRule, text: string): Field {
  const items = text.split(',');
  if (items.length > MOST_ITEMS) throw refuse(rule, `lists more than ${MOST_ITEMS} parts`);
  const values = new Set<number>();
  let isStar = false;
  for (const item of items) {
    const { from, to, step } = parseItem(rule, item);
    for (let value = from; value <= to; value += step) values.add(value === 7 ? day7(rule) : value);
    isStar ||= item === '*' || item === '?';
  }
  return { values, isStar };
}

/** Only weekdays go as far as 7 and begin anew there. */
function day7({ max }: FieldRule): number {
  return max === 7 ? 0 : 7;
}

interface Item {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

function parseItem(rule: FieldRule, item: string): Item {
  const [range = '', stepText, ...tooMuch] = item.split('/');
  if (item === '') throw refuse(rule, 'has a comma with nothing beside it');
  if (tooMuch.length > 0) throw refuse(rule, `has more than one / in ${shown(item)}`);
  const step = stepText === undefined ? 1 : parseStep(rule, stepText, item);
  if (range === '*' || range === '?') return { from: rule.min, to: lastOf(rule), step };
  const [fromText = '', toText, ...more] = range.split('-');
  if (more.length > 0) throw refuse(rule, `has more than one - in ${shown(item)}`);
  const from = parseValue(rule, fromText, item);
  // `5/15` begins at 5 and goes on to the end.
  const open = stepText === undefined ? from : lastOf(rule);
  const to = toText === undefined ? open : parseValue(rule, toText, item);
  if (from > to) {
    throw refuse(rule, `has ${shown(item)}, whose end is before its begin; list two ranges`);
  }
  return { from, to, step };
}

function lastOf(rule: FieldRule): number {
  return rule.max === 7 ? 6 : rule.max;
}

function parseStep(rule: FieldRule, text: string, item: string): number {
  const step = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (step >= 1 && step <= rule.max) return step;
  throw refuse(rule, `has ${shown(item)}; the step must be 1 to ${rule.max}`);
}

function parseValue(rule: FieldRule, text: string, item: string): number {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : rule.words[text.toUpperCase()];
  if (value !== undefined && value >= rule.min && value <= rule.max) return value;
  const where = text === item ? '' : ` in ${shown(item)}`;
  throw refuse(rule, `must be ${rule.hint}, not ${shown(text)}${where}`);
}

/** The thirtieth of February never comes; a weekday always does. */
function assertComes(day: Field, month: Field, weekday: Field): void {
  if (day.isStar || !weekday.isStar) return;
  const months = [...month.values].map((at) => LONGEST_MONTHS[at - 1] ?? 0);
  if (Math.min(...day.values) <= Math.max(...months)) return;
  throw invalidArgument(
    'schedule',
    'names a day that none of its months has, so it would never run; change the day or the month',
  );
}

function listOf({ values }: Field): string {
  return [...values].toSorted((one, other) => one - other).join(',');
}

function wrongCount(count: number): DroverError {
  const seconds = count === 6 ? '; seconds are not among them, use @every 30s for those' : '';
  return invalidArgument(
    'schedule',
    `must have five fields (minute hour day month weekday), not ${count}${seconds}`,
  );
}

function refuse({ name }: FieldRule, what: string): DroverError {
  return invalidArgument('schedule', `the ${name} ${what}`, { part: name });
}

function shown(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.slice(0, 40));
}

function numbered(words: readonly string[], first: number): Readonly<Record<string, number>> {
  return Object.fromEntries(words.map((word, at) => [word, first + at]));
}
