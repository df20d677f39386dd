/** The shapes of requests and answers that the OpenAPI document of this surface names. */

type Json = Record<string, unknown>;

const TEXT = { type: 'string' };
const WHOLE = { type: 'integer' };
const FLAG = { type: 'boolean' };
const WHOLE_OR_NULL = { type: ['integer', 'null'] };
const TEXT_OR_NULL = { type: ['string', 'null'] };
const LABELS = { type: 'object', additionalProperties: TEXT };
const HEALTH = { type: 'string', enum: ['ok', 'degraded', 'error'] };
const SECONDS = { type: 'integer', description: 'Seconds since 1970' };
const DURATION = { type: 'string', description: 'Such as 30s or 5m' };

/** An object that has all of these. */
function shape(properties: Json, optional: Json = {}): Json {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
  };
}

export function listOf(items: Json): Json {
  return { type: 'array', items };
}

export function reference(name: keyof typeof SCHEMAS): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function each(names: readonly string[], schema: Json): Json {
  return Object.fromEntries(names.map((name) => [name, schema]));
}

const DISK = shape({
  device_name: TEXT,
  ...each(['reads_completed', 'reads_merged', 'sectors_read', 'time_reading'], WHOLE_OR_NULL),
  ...each(['writes_completed', 'writes_merged', 'sectors_written'], WHOLE_OR_NULL),
  ...each(['time_writing', 'io_in_progress', 'time_doing_io'], WHOLE_OR_NULL),
  weighted_time_doing_io: WHOLE_OR_NULL,
});

const INTERFACE = shape({
  name: TEXT,
  ...each(['bytes_sent', 'bytes_received', 'packets_sent', 'packets_received'], WHOLE_OR_NULL),
  ...each(['errors_in', 'errors_out', 'drops_in', 'drops_out', 'speed'], WHOLE_OR_NULL),
});

const GPU = shape({
  index: WHOLE,
  model: TEXT,
  ...each(['utilization_bps', 'memory_usage_bps'], WHOLE_OR_NULL),
  ...each(['temperature_deci_c', 'power_draw_deci_w'], WHOLE_OR_NULL),
});

const RULE_SUBJECT = {
  metric: { ...TEXT, description: 'A metric, or else an expression in expr' },
  match: { ...listOf(TEXT), description: 'Which series of the metric' },
  expr: { ...TEXT, description: 'PromQL' },
  every: DURATION,
};

const RULE_OPTIONS = {
  ...RULE_SUBJECT,
  ...{ for: DURATION, hysteresis: { type: 'number' }, cooldown: DURATION, repeat: {} },
  ...{ severity: TEXT, labels: LABELS, enabled: FLAG, description: TEXT },
};

const RULE_FIELDS = { name: TEXT, comparison: TEXT, value: { type: 'number' } };

export const SCHEMAS = {
  Error: shape({
    code: { type: 'string', description: 'One of the kinds in docs/errors.md' },
    message: TEXT,
    details: listOf({ type: 'object' }),
    request_id: TEXT,
  }),
  Snapshot: shape({
    timestamp: SECONDS,
    ...{ instance_id: TEXT, account_id: TEXT_OR_NULL },
    cpu: shape(each(['usage_pct', 'process_count'], WHOLE_OR_NULL)),
    memory: shape(
      each(['total', 'free', 'available', 'used', 'total_swap', 'used_swap'], WHOLE_OR_NULL),
    ),
    disks: listOf(DISK),
    network: shape({ interfaces: listOf(INTERFACE) }),
    gpus: listOf(GPU),
    load: shape(each(['load1', 'load5', 'load15'], WHOLE_OR_NULL)),
  }),
  HealthStatus: shape({
    ...{ status: HEALTH, uptime_seconds: WHOLE, version: TEXT },
    components: {
      type: 'object',
      additionalProperties: shape({ status: HEALTH, last_success: WHOLE_OR_NULL, details: TEXT }),
    },
  }),
  Process: shape({
    ...{ pid: WHOLE, name: TEXT, state: TEXT, threads: WHOLE, user_id: WHOLE_OR_NULL },
    ...{ cpu_pct_x100: WHOLE_OR_NULL, memory_bytes: WHOLE },
  }),
  WebhookRegistration: shape(
    { url: TEXT, event_types: listOf(TEXT) },
    {
      secret: { ...TEXT, writeOnly: true },
      headers: LABELS,
      ...{ enabled: FLAG, timeout_ms: WHOLE, max_attempts: WHOLE, filter: { type: 'object' } },
    },
  ),
  RegisteredWebhook: shape({
    ...{ id: TEXT, status: { type: 'string', const: 'registered' }, url: TEXT },
    ...{ event_types: listOf(TEXT), registered_at: SECONDS },
  }),
  Webhook: shape(
    {
      ...{ id: TEXT, url: TEXT, event_types: listOf(TEXT), registered_at: SECONDS },
      ...{ enabled: FLAG, signed: FLAG, header_names: listOf(TEXT), timeout_ms: WHOLE },
      ...{ max_attempts: WHOLE_OR_NULL, filter: { type: 'object' } },
      delivery: { type: 'object' },
    },
    { disabled_reason: TEXT, customer_id: TEXT },
  ),
  Delivery: shape({
    ...{ id: TEXT, event_type: TEXT, event_at: SECONDS, state: TEXT, attempts: WHOLE },
    ...{ last_status: WHOLE_OR_NULL, last_error: TEXT_OR_NULL },
    ...{ latency_ms: { type: ['number', 'null'] }, answer: TEXT_OR_NULL },
    request: { type: 'object' },
    ...{ first_attempt_at: SECONDS, last_attempt_at: SECONDS, next_attempt_at: WHOLE_OR_NULL },
  }),
  RuleDefinition: shape(RULE_FIELDS, { ...RULE_OPTIONS, customer_id: TEXT_OR_NULL }),
  RuleChange: { type: 'object', properties: { ...RULE_FIELDS, ...RULE_OPTIONS } },
  Rule: shape(
    {
      ...{ id: TEXT, customer_id: TEXT_OR_NULL, source: TEXT, overridden: FLAG, ...RULE_FIELDS },
      ...{ for: DURATION, hysteresis: { type: 'number' }, cooldown: DURATION },
      ...{ repeat: TEXT_OR_NULL, severity: TEXT, labels: LABELS, enabled: FLAG, description: TEXT },
      health: shape({ status: TEXT, series: WHOLE, error: TEXT_OR_NULL }),
      alerts: shape({ pending: WHOLE, firing: WHOLE }),
      ...{ created_at: TEXT_OR_NULL, updated_at: TEXT_OR_NULL },
    },
    RULE_SUBJECT,
  ),
  Alert: shape({
    ...{ rule_id: TEXT, rule_name: TEXT, customer_id: TEXT_OR_NULL, state: TEXT, severity: TEXT },
    ...{ subject: TEXT, comparison: TEXT, threshold: { type: 'number' } },
    ...{ value: { type: ['number', 'null'] }, since: { ...TEXT, format: 'date-time' } },
    ...{ labels: LABELS, description: TEXT, silenced_until: TEXT_OR_NULL },
  }),
  Silence: shape({
    ...{ match: listOf(TEXT), until: TEXT, comment: TEXT },
    ...{ id: TEXT, created_by: TEXT, created_at: { ...TEXT, format: 'date-time' } },
  }),
  PrometheusAnswer: shape(
    { status: { type: 'string', enum: ['success', 'error'] } },
    { data: {}, errorType: TEXT, error: TEXT, warnings: listOf(TEXT) },
  ),
  TargetGroup: shape({ targets: listOf(TEXT), labels: LABELS }),
} satisfies Json;
