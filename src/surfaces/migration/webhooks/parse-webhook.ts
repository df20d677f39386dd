/** What a request wants registered or tried out. Every refusal names the field. */
import { invalidArgument } from '#kernel/errors.ts';
import { duration, flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { Problems, type FieldReader } from '#kernel/field-reader.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { count, oneOrMore } from '#surfaces/migration/field-kinds.ts';
import type { KnownNames } from '#surfaces/migration/near-misses.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import {
  parseWebhookHeaders,
  parseWebhookSecret,
  parseWebhookUrl,
} from '#webhooks/webhook-rules.ts';
import type { WebhookSender } from '#webhooks/webhook-sender.ts';
import type { Probe, Registration } from '#webhooks/webhook-service.ts';
import { MIGRATION_EVENT_TYPES, MIGRATION_FORMAT } from './migration-format.ts';

export const WEBHOOK_FIELDS: KnownNames = {
  ...{ url: true, events: true, headers: true, timeout: true, retry_count: true, retry: true },
  ...{ enabled: true, secret: true, event: true },
};

const ALL = '*';
const MOST_RETRIES = 999;
const MOST_EVENTS = 50;
const LEAST_TIMEOUT_MS = SECOND_MS / 10;
const MOST_TIMEOUT_MS = MINUTE_MS;
/** What the original program calls it. */
const ALIASES: Readonly<Record<string, (typeof MIGRATION_EVENT_TYPES)[number]>> = {
  'job.created': 'job.submitted',
};

const timeout = duration(LEAST_TIMEOUT_MS, MOST_TIMEOUT_MS);
const eventTypes = oneOrMore(
  oneOf([...MIGRATION_EVENT_TYPES, ...Object.keys(ALIASES), ALL]),
  MOST_EVENTS,
);
const testedEvent = textMatching('a word such as job.completed', (text) =>
  /^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(text),
);

type Guard = Pick<WebhookSender, 'refusalOf'>;

export function parseWebhook(body: unknown, guard: Guard): Registration {
  const problems = new Problems();
  const fields = readFields(body, Object.keys(WEBHOOK_FIELDS), problems);
  const retries = fields.optional('retry_count', count(0, MOST_RETRIES));
  const sameRetries = fields.optional('retry', count(0, MOST_RETRIES));
  const most = retries ?? sameRetries;
  const chosen = {
    eventTypes: toEventTypes(fields.read('events', eventTypes, [])),
    timeoutMs: fields.optional('timeout', timeout),
    maxAttempts: most === undefined ? undefined : most + 1,
    isEnabled: fields.read('enabled', flag, true),
  };
  problems.throwAny('the webhook cannot be added');
  return { ...readReceiver(fields, guard), ...chosen, filter: {} };
}

/** Neither registered nor written down: it is sent once, now. */
export function parseProbe(body: unknown, guard: Guard): Probe {
  const problems = new Problems();
  const fields = readFields(body, Object.keys(WEBHOOK_FIELDS), problems);
  const chosen = {
    eventType: fields.read('event', testedEvent, 'test'),
    timeoutMs: fields.optional('timeout', timeout),
  };
  problems.throwAny('the webhook cannot be tested');
  return { ...readReceiver(fields, guard), ...chosen, format: MIGRATION_FORMAT };
}

/** The event to try a registered one out with. */
export function parseTestedEvent(body: unknown): string | undefined {
  const problems = new Problems();
  const fields = readFields(body, ['event'], problems);
  const event = fields.optional('event', oneOf(MIGRATION_EVENT_TYPES));
  problems.throwAny('the webhook cannot be tested');
  return event;
}

function readReceiver(fields: FieldReader, guard: Guard) {
  const url = fields.raw('url');
  if (url === undefined || url === '') throw invalidArgument('url', 'is missing');
  return {
    url: parseWebhookUrl(url, 'url', (to) => guard.refusalOf(to)),
    secret: parseWebhookSecret(fields.raw('secret'), 'secret'),
    headers: parseWebhookHeaders(fields.raw('headers'), 'headers'),
  };
}

/** None and `*` mean all there are. */
function toEventTypes(named: readonly string[]): readonly string[] {
  if (named.length === 0 || named.includes(ALL)) return MIGRATION_EVENT_TYPES;
  return [...new Set(named.map((name) => ALIASES[name] ?? name))];
}
