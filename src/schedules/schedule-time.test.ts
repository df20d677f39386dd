import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toIsoTime } from '#kernel/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#kernel/units.ts';
import { parseScheduleTime, withoutTimeZone } from './schedule-time.ts';

const UTC = { fallback: 'UTC' };
const NOON = Date.UTC(2026, 0, 15, 12, 0, 0);

/** The first due times after an instant, without what they all have in common. */
function timesOf(text: string, timezone: string, from: string, count: number): string[] {
  const time = parseScheduleTime(text, { timezone, fallback: 'UTC' });
  const times: string[] = [];
  let ms = Date.parse(from);
  for (let at = 0; at < count; at += 1) {
    ms = time.nextAfter(ms, ms);
    times.push(toIsoTime(ms).replace(':00.000Z', ''));
  }
  return times;
}

function refusalOf(text: string, timezone?: string): string {
  try {
    parseScheduleTime(text, { timezone, fallback: 'UTC' });
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown.message;
  }
  throw new Error(`${text} was accepted`);
}

describe('parseScheduleTime', () => {
  const day = (date: number, hour: number, minute = 0, month = 0) =>
    Date.UTC(2026, month, date, hour, minute);
  for (const [text, next] of [
    ['0 2 * * *', day(16, 2)],
    ['*/15 * * * *', day(15, 12, 15)],
    ['7/20 * * * *', day(15, 12, 7)],
    ['10-20/5 12 * * *', day(15, 12, 10)],
    ['0 0 * * 0', day(18, 0)],
    ['0 0 * * 7', day(18, 0)],
    ['0 0 * * 5-7', day(16, 0)],
    ['0 0 ? jan,MAR mon-fri', day(16, 0)],
    ['30 9 1 Feb ?', day(1, 9, 30, 1)],
    ['  0   2 * * *  ', day(16, 2)],
    ['@yearly', Date.UTC(2027, 0, 1)],
    ['@annually', Date.UTC(2027, 0, 1)],
    ['@monthly', day(1, 0, 0, 1)],
    ['@weekly', day(18, 0)],
    ['@Daily', day(16, 0)],
    ['@midnight', day(16, 0)],
    ['@hourly', day(15, 13)],
    ['0 0 29 2 *', Date.UTC(2028, 1, 29)],
  ] as const) {
    it(`knows when ${text} is next`, () => {
      const { nextAfter } = parseScheduleTime(text, UTC);
      assert.equal(toIsoTime(nextAfter(NOON, NOON)), toIsoTime(next));
    });
  }

  it('runs on either day where both the day of the month and the weekday are restricted', () => {
    const times = timesOf('0 0 13 * FRI', 'UTC', '2026-02-10T00:00:00Z', 3);
    assert.deepEqual(times, ['2026-02-13T00:00', '2026-02-20T00:00', '2026-02-27T00:00']);
    // A step restricts, a star by itself does not.
    const stepped = timesOf('0 0 */10 * FRI', 'UTC', '2026-02-10T00:00:00Z', 2);
    assert.deepEqual(stepped, ['2026-02-11T00:00', '2026-02-13T00:00']);
    const starred = timesOf('0 0 * * FRI', 'UTC', '2026-02-10T00:00:00Z', 2);
    assert.deepEqual(starred, ['2026-02-13T00:00', '2026-02-20T00:00']);
  });

  it('counts @every from the anchor, in both directions', () => {
    const { nextAfter, through } = parseScheduleTime('@every 1h30m', UTC);
    assert.equal(nextAfter(NOON, NOON), NOON + 90 * MINUTE_MS);
    assert.equal(nextAfter(NOON + 95 * MINUTE_MS, NOON), NOON + 180 * MINUTE_MS);
    assert.equal(nextAfter(NOON - 100 * MINUTE_MS, NOON), NOON - 90 * MINUTE_MS);
    const times = [NOON + 90 * MINUTE_MS, NOON + 180 * MINUTE_MS];
    assert.deepEqual(through(NOON + 200 * MINUTE_MS, NOON, 2), times);
    assert.deepEqual(through(NOON + 180 * MINUTE_MS, NOON, 2), times);
    for (const [text, ms] of [
      ['1s', 1000],
      ['0.5h', HOUR_MS / 2],
      ['1500ms', 1500],
      ['24h0m1s', DAY_MS + 1000],
    ] as const) {
      const every = parseScheduleTime(`@every ${text}`, UTC);
      assert.equal(every.nextAfter(NOON, NOON), NOON + ms, text);
    }
  });

  for (const [text, message] of [
    ['61 * * * *', /^schedule: the minute must be 0 to 59, not "61"$/],
    ['* 24 * * *', /the hour must be 0 to 23, not "24"/],
    ['* * 0 * *', /the day of the month must be 1 to 31, not "0"/],
    ['* * * 13 *', /the month must be 1 to 12, or JAN to DEC, not "13"/],
    ['* * * * 8', /the weekday must be 0 to 6, or SUN to SAT, not "8"/],
    ['* * * * MONDAY', /the weekday must be .*, not "MONDAY"/],
    ['* * * __proto__ *', /the month must be/],
    ['* * * constructor *', /the month must be/],
    ['1,,2 * * * *', /the minute has a comma with nothing beside it/],
    ['*/0 * * * *', /the minute has "\*\/0"; the step must be 1 to 59/],
    ['*/60 * * * *', /the step must be 1 to 59/],
    ['1/2/3 * * * *', /the minute has more than one \/ in "1\/2\/3"/],
    ['1-2-3 * * * *', /the minute has more than one -/],
    ['* 22-2 * * *', /the hour has "22-2", whose end is before its begin; list two ranges/],
    ['* -5 * * *', /the hour must be 0 to 23, not nothing in "-5"/],
    ['* * L * *', /the day of the month must be/],
    ['0 0 2 * * *', /must have five fields .*, not 6; seconds are not among them/],
    ['* * * *', /must have five fields .*, not 4/],
    ['', /must have five fields .*, not 0/],
    ['nonsense', /must have five fields .*, not 1/],
    ['@reboot', /must be a cron expression or one of @yearly/],
    ['@every', /must be a cron expression or one of .*@every 1h30m/],
    ['@every 10', /after @every there must be a duration such as 90s/],
    ['@every 999ms', /of 1s to 8784h/],
    ['@every 8785h', /of 1s to 8784h/],
    ['@every -1h', /after @every/],
    ['@every 1h 30m', /must be a cron expression or one of/],
    [`@every ${'9'.repeat(200)}h`, /after @every/],
    ['0 0 30 2 *', /names a day that none of its months has, so it would never run/],
    ['0 0 31 2,4,6,9,11 *', /would never run/],
    [`${'0,'.repeat(200)}0 * * * *`, /at most 300 letters/],
    [`${'0,'.repeat(60)}0 * * * *`, /lists more than 60 parts/],
  ] as const) {
    it(`refuses ${text.slice(0, 30)} and says what is wrong`, () => {
      assert.match(refusalOf(text), message);
    });
  }

  it('takes a day that never comes together with a weekday, which does', () => {
    const times = timesOf('0 0 30 2 MON', 'UTC', '2026-02-10T00:00:00Z', 1);
    assert.deepEqual(times, ['2026-02-16T00:00']);
  });

  it('takes the zone from the field, from the text, or from the fallback', () => {
    const zoneOf = (text: string, timezone?: string) =>
      parseScheduleTime(text, { timezone, fallback: 'Asia/Tokyo' }).timezone;
    assert.equal(zoneOf('0 2 * * *'), 'Asia/Tokyo');
    assert.equal(zoneOf('0 2 * * *', 'Europe/Berlin'), 'Europe/Berlin');
    assert.equal(zoneOf('CRON_TZ=Europe/Berlin 0 2 * * *'), 'Europe/Berlin');
    assert.equal(zoneOf('TZ=Europe/Berlin   @daily', 'Europe/Berlin'), 'Europe/Berlin');
    assert.equal(withoutTimeZone(' TZ=Europe/Berlin   @daily'), '@daily');
    assert.match(
      refusalOf('TZ=Europe/Berlin 0 2 * * *', 'UTC'),
      /^timezone: is UTC where the schedule itself says Europe\/Berlin; leave one of them out/,
    );
    assert.match(
      refusalOf('0 2 * * *', 'Europe/Berln'),
      /^timezone: .*did you mean Europe\/Berlin/,
    );
    assert.match(refusalOf('CRON_TZ=Nowhere 0 2 * * *'), /^schedule: must be the name of a time/);
    assert.match(refusalOf('0 2 * * *', '+02:00'), /^timezone: must be the name of a time zone/);
    assert.match(refusalOf('CRON_TZ=UTC'), /must have five fields/);
  });
});

describe('a named time', () => {
  it('comes right after the gap when clocks go forward over it', () => {
    // Berlin goes from 02:00 to 03:00 at 01:00 UTC.
    assert.deepEqual(timesOf('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3), [
      '2026-03-28T01:30',
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ]);
    // New York goes from 02:00 to 03:00 at 07:00 UTC.
    assert.deepEqual(timesOf('30 2 * * *', 'America/New_York', '2026-03-07T00:00:00Z', 3), [
      '2026-03-07T07:30',
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ]);
  });

  it('comes once when clocks go back over it, the first time they show it', () => {
    assert.deepEqual(timesOf('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2), [
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    assert.deepEqual(timesOf('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2), [
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ]);
  });

  it('comes once too where hours or minutes are listed or stepped', () => {
    assert.deepEqual(timesOf('*/30 1-3 * * *', 'Europe/Berlin', '2026-03-28T23:00:00Z', 5), [
      '2026-03-29T00:00',
      '2026-03-29T00:30',
      // 02:00 and 02:30 do not exist; both are 03:00, and so is the third.
      '2026-03-29T01:00',
      '2026-03-29T01:30',
      '2026-03-29T23:00',
    ]);
    assert.deepEqual(timesOf('0 */2 * * *', 'Europe/Berlin', '2026-10-24T22:30:00Z', 3), [
      '2026-10-25T00:00',
      '2026-10-25T03:00',
      '2026-10-25T05:00',
    ]);
  });
});

describe('a schedule for every hour', () => {
  it('goes by real time when clocks change', () => {
    for (const [timezone, from] of [
      ['Europe/Berlin', '2026-03-29T00:00:00Z'],
      ['Europe/Berlin', '2026-10-24T23:00:00Z'],
      ['America/New_York', '2026-03-08T05:00:00Z'],
      ['America/New_York', '2026-11-01T04:00:00Z'],
    ] as const) {
      const time = parseScheduleTime('*/15 * * * *', { timezone, fallback: 'UTC' });
      let ms = Date.parse(from);
      for (let at = 0; at < 16; at += 1) {
        const next = time.nextAfter(ms, ms);
        assert.equal(next - ms, 15 * MINUTE_MS, `${timezone} after ${toIsoTime(ms)}`);
        ms = next;
      }
    }
    assert.deepEqual(timesOf('@hourly', 'Europe/Berlin', '2026-10-24T23:30:00Z', 3), [
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T02:00',
    ]);
  });
});

describe('the newest due times', () => {
  it('are those that come one after the other, also across both changes', () => {
    for (const text of ['30 2 * * *', '*/20 * * * *', '15 1-3 * * *', '@every 7m', '0 3 * * 0']) {
      for (const from of ['2026-03-28T03:10:00Z', '2026-10-24T03:10:00Z']) {
        const time = parseScheduleTime(text, { timezone: 'Europe/Berlin', fallback: 'UTC' });
        const anchorMs = Date.parse(from);
        const endMs = anchorMs + 2 * DAY_MS;
        const forward: number[] = [];
        for (let ms = time.nextAfter(anchorMs, anchorMs); ms <= endMs;) {
          forward.push(ms);
          ms = time.nextAfter(ms, anchorMs);
        }
        const last = forward.at(-1) ?? 0;
        assert.deepEqual(time.through(endMs, anchorMs, forward.length), forward, text);
        assert.deepEqual(time.through(last, anchorMs, 1), [last], `${text} through itself`);
        assert.notEqual(time.through(last - 1, anchorMs, 1)[0], last, `${text} before itself`);
      }
    }
  });
});
