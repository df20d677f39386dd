/** The parts of a manifest that have many entries: environment, cron, events. */
import { oneOf, textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, readValue, type FieldKind, type Problems } from '#kernel/field-reader.ts';
import { EVENT_KINDS, type EventKind } from '#events/event.ts';
import { didYouMean } from '#kernel/nearest.ts';
import type { CronEntry, EventEntry } from './app.ts';
import { CronSchedule } from './cron-schedule.ts';
import { urlPath } from './field-kinds.ts';

const MOST_ENV = 100;
const MOST_ENV_BYTES = 32 * 1024;
const MOST_CRON = 100;
const MOST_EVENTS = 100;
const ENV_NAME = /^[A-Z_][A-Z0-9_]{0,127}$/;
/** They steer the runtime itself, and some of them out of its sandbox. */
const RESERVED_ENV = /^(?:NODE_(?!ENV$)|LD_|DYLD_|UV_|SSL_|OPENSSL_|DROVER_)/;
const DEFAULT_EVENT_PATH = '/events';

const envValue: FieldKind<string> = {
  expectation: 'text; numbers and words like true go in quotes',
  isSecret: true,
  parse: (raw) => (typeof raw === 'string' && !raw.includes('\0') ? raw : undefined),
};

const method = oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

const timezone = textMatching('a time zone such as Europe/Berlin', isTimezone);

const eventKind: FieldKind<EventKind> = {
  expectation: `one of ${EVENT_KINDS.join(', ')}`,
  parse: (raw) => EVENT_KINDS.find((kind) => kind === raw),
};

export function readEnv(fields: FieldReader, problems: Problems): Readonly<Record<string, string>> {
  const raw = fields.raw('env');
  if (!fields.has('env')) return {};
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fields.refuse('env', 'must be a map from names to text');
    return {};
  }
  const entries = Object.entries(raw).flatMap(([name, value]) => {
    const path = `env.${name.slice(0, 128)}`;
    const refusal = refuseEnvName(name);
    if (refusal !== undefined) problems.add(path, refusal);
    const text = readValue(value, path, { kind: envValue, problems });
    return text === undefined ? [] : [[name, text] as const];
  });
  const bytes = entries.reduce((sum, pair) => sum + Buffer.byteLength(pair.join('=')) + 1, 0);
  if (entries.length > MOST_ENV) fields.refuse('env', `must have at most ${MOST_ENV} names`);
  if (bytes > MOST_ENV_BYTES) fields.refuse('env', 'must be at most 32 KiB in all');
  return Object.fromEntries(entries);
}

function refuseEnvName(name: string): string | undefined {
  if (!ENV_NAME.test(name)) return 'must be named with capitals, digits and _ alone';
  return RESERVED_ENV.test(name) ? 'is a name that the platform keeps for itself' : undefined;
}

export function readCron(fields: FieldReader, problems: Problems): readonly CronEntry[] {
  const known = ['schedule', 'timezone', 'method', 'path'];
  return fields.list('cron', MOST_CRON, (raw, path) => {
    const entry = FieldReader.over(raw, path, { known, problems });
    const zone = entry.optional('timezone', timezone);
    const text = textMatching('a cron expression such as "*/5 * * * *"', () => true);
    const schedule = entry.require('schedule', text, '* * * * *');
    const refusal = CronSchedule.whyNot(schedule, zone);
    if (refusal !== undefined) entry.refuse('schedule', refusal);
    return {
      schedule,
      timezone: zone,
      method: entry.read('method', method, 'POST'),
      path: entry.require('path', urlPath, '/'),
    };
  });
}

export function readEvents(fields: FieldReader, problems: Problems): readonly EventEntry[] {
  const entries = fields.list('on', MOST_EVENTS, (raw, path): EventEntry | undefined => {
    if (typeof raw === 'string') {
      const on = readKind(raw, path, problems);
      return on === undefined ? undefined : { on, path: DEFAULT_EVENT_PATH };
    }
    const entry = FieldReader.over(raw, path, { known: ['event', 'path'], problems });
    const on = readKind(entry.raw('event'), `${path}.event`, problems);
    const to = entry.read('path', urlPath, DEFAULT_EVENT_PATH);
    return on === undefined ? undefined : { on, path: to };
  });
  const seen = new Set<EventKind>();
  for (const { on } of entries) {
    if (seen.has(on)) fields.refuse('on', `has ${on} twice; an app is told of each event once`);
    seen.add(on);
  }
  return entries;
}

function readKind(raw: unknown, path: string, problems: Problems): EventKind | undefined {
  const kind = eventKind.parse(raw);
  if (kind === undefined) {
    const hint = typeof raw === 'string' ? didYouMean(raw.slice(0, 60), EVENT_KINDS) : '';
    problems.add(path, `must be ${eventKind.expectation}${hint}`);
  }
  return kind;
}

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    // The constructor has no other way to say so.
    return false;
  }
}
