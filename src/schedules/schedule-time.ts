/**
 * When a schedule is due: a cron expression in a time zone, or every so often.
 *
 * What always holds, whatever the clocks of the zone do:
 * - A time that is named (`30 2 * * *`) comes once each day it fits. Where clocks go forward over
 *   it, it comes when they have; where they go back over it, the first time they show it.
 * - A schedule for every hour (`*` in the hour field) goes by real time: `*` `/15 * * * *` comes
 *   every 15 minutes, and four times in each of the two hours that have the same name.
 */
import { Cron } from 'croner';
import { invalidArgument } from '#kernel/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { parseCronFields } from './cron-fields.ts';
import { parseTimeZone } from './time-zone.ts';

export interface ScheduleTime {
  /** The zone that applies, whoever named it. */
  readonly timezone: string;
  /**
   * The first due time after `ms`. `anchorMs` is any due time, known or wished for; those of
   * `@every` are counted from it, in both directions.
   */
  nextAfter(this: void, ms: number, anchorMs: number): number;
  /** The newest due times that are not after `ms`, in order, and no more than `most`. */
  through(this: void, ms: number, anchorMs: number, most: number): readonly number[];
}

export interface TimeZoneChoice {
  /** What the request says. */
  readonly timezone?: string | undefined;
  /** What applies when neither the request nor the text says anything. */
  readonly fallback: string;
}

const LONGEST = 300;
const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)(?:\s+|$)/;
const EVERY = /^@every\s+(\S+)$/;
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, m: MINUTE_MS, s: SECOND_MS, ms: 1 };
const LEAST_EVERY_MS = SECOND_MS;
const MOST_EVERY_MS = 366 * DAY_MS;

/** Throws `invalid_argument` for the field `schedule` or `timezone`. */
export function parseScheduleTime(text: string, choice: TimeZoneChoice): ScheduleTime {
  if (text.length > LONGEST) {
    throw invalidArgument('schedule', `must have at most ${LONGEST} letters`);
  }
  const trimmed = text.trim();
  const timezone = chooseTimeZone(ZONE_PREFIX.exec(trimmed)?.[1], choice);
  const body = withoutTimeZone(trimmed);
  const every = EVERY.exec(body)?.[1];
  if (every !== undefined) return everySoOften(parseEvery(every), timezone);
  if (!body.startsWith('@')) return byCron(parseCronFields(body), timezone);
  const named = NICKNAMES[body.toLowerCase()];
  if (named === undefined) {
    const names = [...Object.keys(NICKNAMES), '@every 1h30m'].join(', ');
    throw invalidArgument('schedule', `must be a cron expression or one of ${names}`);
  }
  return byCron(parseCronFields(named), timezone);
}

/** `CRON_TZ=UTC 0 2 * * *` → `0 2 * * *`. */
export function withoutTimeZone(text: string): string {
  return text.trim().replace(ZONE_PREFIX, '');
}

function chooseTimeZone(prefix: string | undefined, { timezone, fallback }: TimeZoneChoice) {
  const given = timezone === undefined ? undefined : parseTimeZone('timezone', timezone);
  const named = prefix === undefined ? undefined : parseTimeZone('schedule', prefix);
  if (given !== undefined && named !== undefined && given !== named) {
    throw invalidArgument(
      'timezone',
      `is ${given} where the schedule itself says ${named}; leave one of them out`,
    );
  }
  return given ?? named ?? fallback;
}

function byCron(pattern: string, timezone: string): ScheduleTime {
  const cron = new Cron(pattern, {
    ...{ paused: true, mode: '5-part', timezone, fixedTimeRule: 'no-wildcard' },
  });
  return {
    timezone,
    nextAfter(ms) {
      const next = cron.nextRun(new Date(ms))?.getTime();
      if (next === undefined) throw new RangeError(`${pattern} has no time after ${ms}`);
      return next;
    },
    // A time is before the instant that follows it.
    through(ms, _anchorMs, most) {
      const newestFirst = cron.previousRuns(most, new Date(ms + 1));
      return newestFirst.map((run) => run.getTime()).toReversed();
    },
  };
}

function everySoOften(everyMs: number, timezone: string): ScheduleTime {
  const countThrough = (ms: number, anchorMs: number) => Math.floor((ms - anchorMs) / everyMs);
  return {
    timezone,
    nextAfter: (ms, anchorMs) => anchorMs + everyMs * (countThrough(ms, anchorMs) + 1),
    through(ms, anchorMs, most) {
      const last = countThrough(ms, anchorMs);
      return Array.from({ length: most }, (_, at) => anchorMs + everyMs * (last - most + 1 + at));
    },
  };
}

function parseEvery(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  const ms = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0),
    0,
  );
  const isShaped = DURATION.test(text) && Number.isInteger(ms);
  if (isShaped && ms >= LEAST_EVERY_MS && ms <= MOST_EVERY_MS) return ms;
  throw invalidArgument(
    'schedule',
    'after @every there must be a duration such as 90s, 15m or 1h30m, of 1s to 8784h',
  );
}
