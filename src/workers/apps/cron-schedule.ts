/** When a cron expression is due next. Without a time zone of its own it is meant in UTC. */
import { Cron } from 'croner';

const NICKNAME = /^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)$/;
const LONGEST = 200;

export class CronSchedule {
  readonly #cron: Cron;

  /** Throws on what `whyNot` refuses. */
  constructor(schedule: string, timezone: string | undefined) {
    this.#cron = new Cron(schedule, {
      paused: true,
      mode: '5-or-6-parts',
      timezone: timezone ?? 'UTC',
    });
  }

  /** What would be right, or undefined when nothing is wrong. */
  static whyNot(schedule: string, timezone: string | undefined): string | undefined {
    const parts = schedule.trim().split(/\s+/).length;
    const isShaped = NICKNAME.test(schedule) || parts === 5 || parts === 6;
    if (!isShaped || schedule.length > LONGEST) {
      const fields = 'five fields (minute hour day month weekday), six with seconds first';
      return `must be ${fields}, or @daily and the like`;
    }
    try {
      const next = new CronSchedule(schedule, timezone).nextAfter(0);
      return next === undefined ? 'must name a time that comes; this one never does' : undefined;
    } catch (thrown) {
      // What the library says names the field: "Invalid value for minute: 61".
      const why = thrown instanceof Error ? thrown.message.replace(/^Cron\w*: /, '') : '';
      return `must be a cron expression: ${why}`;
    }
  }

  /** The first instant after `ms`; undefined when there is none. */
  nextAfter(ms: number): number | undefined {
    return this.#cron.nextRun(new Date(ms))?.getTime();
  }
}
