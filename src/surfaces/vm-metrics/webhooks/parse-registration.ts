/** What a request wants registered or changed. Every refusal names the field. */
import { invalidArgument } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import { SEVERITIES, type WebhookFilter } from '#webhooks/webhook-filter.ts';
import {
  parseMaxAttempts,
  parseTimeoutMs,
  parseWebhookHeaders,
  parseWebhookSecret,
  parseWebhookUrl,
} from '#webhooks/webhook-rules.ts';
import type { WebhookSender } from '#webhooks/webhook-sender.ts';
import type { Registration, RegistrationChanges } from '#webhooks/webhook-service.ts';
import { VM_METRICS_EVENT_TYPES } from './vm-metrics-format.ts';

const BODY = 'the request body';
const FIELDS = [
  ...['url', 'event_types', 'secret', 'headers', 'timeout_ms', 'max_attempts', 'enabled', 'filter'],
];
const FILTER_FIELDS = ['instance_id', 'severity', 'rule'];
const MOST_CHOICES = 100;
const MOST_CHOICE_CHARS = 256;

type Guard = Pick<WebhookSender, 'refusalOf'>;
type Fields = Readonly<Record<string, unknown>>;

export function parseRegistration(body: unknown, guard: Guard): Registration {
  const fields = parseFields(body, BODY, FIELDS);
  for (const field of ['url', 'event_types']) {
    if (fields[field] === undefined) throw invalidArgument(field, 'is missing');
  }
  return {
    url: parseWebhookUrl(fields['url'], 'url', (url) => guard.refusalOf(url)),
    eventTypes: parseEventTypes(fields['event_types']),
    filter: parseFilter(fields['filter']),
    secret: parseWebhookSecret(fields['secret'], 'secret'),
    headers: parseWebhookHeaders(fields['headers'], 'headers'),
    timeoutMs: parseTimeoutMs(fields['timeout_ms'], 'timeout_ms'),
    maxAttempts: parseMaxAttempts(fields['max_attempts'], 'max_attempts'),
    isEnabled: parseFlag(fields['enabled'] ?? true, 'enabled'),
  };
}

/** What is left out stays; null takes away what may be left out of a registration. */
export function parseRegistrationChanges(body: unknown, guard: Guard): RegistrationChanges {
  const fields = parseFields(body, BODY, FIELDS);
  const { url, event_types: types, filter, headers, enabled } = fields;
  return {
    ...(url !== undefined && { url: parseWebhookUrl(url, 'url', (to) => guard.refusalOf(to)) }),
    ...(types !== undefined && { eventTypes: parseEventTypes(types) }),
    ...(filter !== undefined && { filter: parseFilter(filter) }),
    ...('secret' in fields && { secret: parseWebhookSecret(fields['secret'], 'secret') }),
    ...(headers !== undefined && { headers: parseWebhookHeaders(headers, 'headers') }),
    ...('timeout_ms' in fields && {
      timeoutMs: parseTimeoutMs(fields['timeout_ms'], 'timeout_ms'),
    }),
    ...('max_attempts' in fields && {
      maxAttempts: parseMaxAttempts(fields['max_attempts'], 'max_attempts'),
    }),
    ...(enabled !== undefined && { isEnabled: parseFlag(enabled, 'enabled') }),
  };
}

/** The event type to try out; an empty request leaves the choice to us. */
export function parseTestRequest(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  const { event_type: eventType } = parseFields(body, BODY, ['event_type']);
  if (eventType === undefined || eventType === null) return undefined;
  return parseEventType(eventType, 'event_type');
}

function parseFields(value: unknown, what: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const how = typeof value === 'string' ? "; send it with 'Content-Type: application/json'" : '';
    throw invalidArgument(what, `must be a JSON object${how}`);
  }
  const path = what === BODY ? '' : `${what}.`;
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) || `; known: ${known.join(', ')}`;
    throw invalidArgument(`${path}${name.slice(0, 64)}`, `is not a field here${hint}`);
  }
  return value as Fields;
}

function parseEventTypes(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_CHOICES) {
    const known = VM_METRICS_EVENT_TYPES.join(', ');
    throw invalidArgument('event_types', `must be a list of at least one of ${known}`);
  }
  const types = value.map((each, at) => parseEventType(each, `event_types[${at}]`));
  return [...new Set(types)];
}

function parseEventType(value: unknown, field: string): string {
  if (typeof value === 'string' && VM_METRICS_EVENT_TYPES.includes(value)) return value;
  throw invalidArgument(field, `must be one of ${VM_METRICS_EVENT_TYPES.join(', ')}`);
}

function parseFlag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidArgument(field, 'must be true or false');
}

function parseFilter(value: unknown): WebhookFilter {
  if (value === undefined || value === null) return {};
  const filter = parseFields(value, 'filter', FILTER_FIELDS);
  const severities = parseChoices(filter['severity'], 'filter.severity');
  return {
    instanceIds: parseChoices(filter['instance_id'], 'filter.instance_id'),
    severities: severities?.map((text) => {
      const severity = SEVERITIES.find((known) => known === text);
      if (severity !== undefined) return severity;
      throw invalidArgument('filter.severity', `must be of ${SEVERITIES.join(', ')}`);
    }),
    rules: parseChoices(filter['rule'], 'filter.rule'),
  };
}

/** One text or a list of them. */
function parseChoices(value: unknown, field: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const choices: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (choices.length === 0 || choices.length > MOST_CHOICES) {
    throw invalidArgument(field, `must be a text or a list of 1 to ${MOST_CHOICES}`);
  }
  return choices.map((choice) => {
    const isText = typeof choice === 'string' && choice !== '' && !choice.includes('\u0000');
    if (isText && choice.length <= MOST_CHOICE_CHARS && choice.isWellFormed()) return choice;
    throw invalidArgument(field, `must hold texts of 1 to ${MOST_CHOICE_CHARS} characters`);
  });
}
