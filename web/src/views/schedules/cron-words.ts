/**
 * A cron expression in words, as far as there are plain ones for it: `0 2 * * 1-5` is Monday to
 * Friday at 02:00. The server decides what is valid; what is not understood stays as it is.
 */
import { SCHEDULES } from '#web/text/schedules.ts';

const { cron } = SCHEDULES;

const NAMES: Readonly<Record<string, string>> = {
  ...{ '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *' },
  ...{ '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *' },
  '@hourly': '0 * * * *',
};
const MOST_TIMES = 4;

/** One field: all of it, every so many, or values and ranges. */
type Field =
  | { readonly kind: 'all' }
  | { readonly kind: 'step'; readonly step: number }
  | { readonly kind: 'list'; readonly parts: readonly Part[] };
type Part = readonly [first: number, last: number];

export function cronToWords(text: string): string {
  const [, zone, body = ''] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/.exec(text.trim()) ?? [];
  const words = bodyToWords(body);
  if (words === undefined) return text;
  return zone === undefined ? words : cron.inZone(words, zone);
}

function bodyToWords(body: string): string | undefined {
  const every = /^@every\s+(\S+)$/.exec(body)?.[1];
  if (every !== undefined) return cron.every(every.replaceAll(/(?<=[a-z])(?=\d)/g, ' '));
  const texts = (NAMES[body.toLowerCase()] ?? body).split(/\s+/);
  if (texts.length !== 5) return undefined;
  const [minute, hour, day, month, weekday] = texts.map((each, at) => parseField(each, at));
  if (!minute || !hour || !day || !month || !weekday) return undefined;
  const time = timeToWords(minute, hour);
  const date = dateToWords(day, weekday, isWholeHours(hour));
  const year = month.kind === 'all' ? '' : cron.inMonths(listToWords(month, nameOfMonth));
  return [date, year, time].filter((part) => part !== '').join(' ');
}

function timeToWords(minute: Field, hour: Field): string {
  if (hour.kind === 'all') {
    if (minute.kind === 'all') return cron.everyMinute;
    if (minute.kind === 'step') return cron.everyMinutes(minute.step);
    const isFull = listToWords(minute, String) === '0';
    return isFull ? cron.everyHour : `${cron.everyHour} ${minutesToWords(minute)}`;
  }
  if (hour.kind === 'step') {
    const hours = cron.everyHours(hour.step);
    const isFull = minute.kind === 'list' && listToWords(minute, String) === '0';
    return isFull ? hours : `${hours} ${minutesToWords(minute)}`;
  }
  const times = clockTimes(minute, hour);
  if (times !== undefined) return cron.at(joined(times));
  const hours = listToWords(hour, String);
  if (minute.kind === 'list') return cron.pastHours(listToWords(minute, String), hours);
  return `${minutesToWords(minute)} ${cron.hoursOnly(hours)}`;
}

function minutesToWords(minute: Field): string {
  if (minute.kind === 'all') return cron.everyMinute;
  if (minute.kind === 'step') return cron.everyMinutes(minute.step);
  return cron.minutesPast(listToWords(minute, String));
}

/** Where they are few. */
function clockTimes(minute: Field, hour: Field): readonly string[] | undefined {
  const [minutes, hours] = [singles(minute), singles(hour)];
  if (minutes === undefined || hours === undefined) return undefined;
  if (minutes.length * hours.length > MOST_TIMES) return undefined;
  return hours.flatMap((each) => minutes.map((minuteOf) => cron.clock(each, minuteOf)));
}

function singles(field: Field): readonly number[] | undefined {
  if (field.kind !== 'list' || field.parts.some(([first, last]) => first !== last)) {
    return undefined;
  }
  return field.parts.map(([first]) => first);
}

/** Where both the day and the weekday are named, either is enough. */
function dateToWords(day: Field, weekday: Field, isOften: boolean): string {
  if (day.kind === 'all' && weekday.kind === 'all') return isOften ? '' : cron.daily;
  const weekdays = weekdaysToWords(weekday);
  if (day.kind === 'all') return weekdays;
  const days = day.kind === 'step' ? cron.everyDays(day.step) : cron.onDays(dayList(day));
  return weekday.kind === 'all' ? days : cron.either(days, weekdays);
}

function dayList(day: Field): string {
  return listToWords(day, (number) => `${number}${suffixOf(number)}`);
}

function weekdaysToWords(weekday: Field): string {
  const words = listToWords(weekday, (number) => cron.days[number % 7] ?? String(number));
  return words === cron.weekdays ? words : cron.onWeekdays(words);
}

function isWholeHours({ kind }: Field): boolean {
  return kind !== 'list';
}

function listToWords(field: Field, name: (number: number) => string): string {
  if (field.kind === 'all') return '*';
  if (field.kind === 'step') return `*/${field.step}`;
  return joined(
    field.parts.map(([first, last]) =>
      first === last ? name(first) : name(first) + cron.to + name(last),
    ),
  );
}

function joined(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : words.slice(0, -1).join(', ') + cron.and + last;
}

const LETTERS: Readonly<Record<number, readonly string[]>> = {
  3: ['', ...cron.months].map((name) => name.slice(0, 3).toUpperCase()),
  4: cron.days.map((name) => name.slice(0, 3).toUpperCase()),
};

function parseField(text: string, at: number): Field | undefined {
  if (text === '*' || text === '?') return { kind: 'all' };
  const step = /^\*\/(\d+)$/.exec(text)?.[1];
  if (step !== undefined) return { kind: 'step', step: Number(step) };
  const parts = text.split(',').map((part) => parsePart(part, LETTERS[at]));
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? { kind: 'list', parts: known } : undefined;
}

function parsePart(text: string, letters: readonly string[] = []): Part | undefined {
  const numbers = text.split('-').map((each) => {
    const named = letters.indexOf(each.toUpperCase());
    return /^\d+$/.test(each) ? Number(each) : named === -1 ? Number.NaN : named;
  });
  const [first = Number.NaN, last = first, ...more] = numbers;
  const isPart = more.length === 0 && Number.isInteger(first) && Number.isInteger(last);
  return isPart ? [first, last] : undefined;
}

function nameOfMonth(number: number): string {
  return cron.months[number - 1] ?? String(number);
}

function suffixOf(number: number): string {
  if (number >= 11 && number <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][number % 10] ?? 'th';
}
