/** The OpenAPI document of this surface. A test compares it with the routes that there are. */
import { listOf, reference, SCHEMAS } from './openapi-shapes.ts';

type Json = Record<string, unknown>;

interface Operation {
  readonly summary: string;
  /** Answers anyone. */
  readonly isPublic?: boolean;
  readonly query?: readonly string[];
  readonly body?: Json;
  /** What a success answers, and other answers that have a form of their own. */
  readonly answers: Json;
  readonly failures?: readonly number[];
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Paths = Readonly<Record<string, Partial<Record<Method, Operation>>>>;

const PAGE = ['page_size', 'page_token'];
const SELECTION = ['metric', 'match[]', 'from', 'to', 'limit'];
const SPAN = ['match[]', 'start', 'end', 'limit'];
const LISTS = { next_page_token: { type: 'string' }, total_count: { type: 'integer' } };

const MEASURING: Paths = {
  '/get': {
    get: {
      summary: 'How the host stands, or with instance_id one machine on it',
      query: ['instance_id'],
      answers: { 200: json('As of the newest sample', reference('Snapshot')) },
      failures: [400, 401, 403, 404],
    },
  },
  '/metrics': {
    get: {
      summary: 'Everything measured, as Prometheus text or OpenMetrics by Accept',
      answers: { 200: text('The exposition', 'text/plain', 'application/openmetrics-text') },
      failures: [401, 403],
    },
  },
  '/health': {
    get: {
      summary: 'Whether the service runs',
      isPublic: true,
      answers: { 200: text('It does', 'text/plain') },
    },
  },
  '/api/v1/health/status': {
    get: {
      summary: 'How each part of measuring is, and why',
      isPublic: true,
      answers: {
        200: json('ok or degraded', reference('HealthStatus')),
        503: json('error', reference('HealthStatus')),
      },
    },
  },
  '/api/v1/processes': {
    get: {
      summary: 'The processes of the host that use most',
      query: ['by', 'limit'],
      answers: { 200: json('The most first', object({ processes: listOf(reference('Process')) })) },
      failures: [400, 401, 403],
    },
  },
  '/api/v1/openapi.json': {
    get: {
      summary: 'This document',
      isPublic: true,
      answers: { 200: json('OpenAPI 3.1', { type: 'object' }) },
    },
  },
  '/sd/targets': {
    get: {
      summary: 'What Prometheus may scrape, for its HTTP service discovery',
      answers: { 200: json('Groups of targets', listOf(reference('TargetGroup'))) },
      failures: [400, 401, 403],
    },
  },
};

const WEBHOOKS: Paths = {
  '/api/v1/webhooks': {
    get: {
      summary: 'The registered webhooks, without their secrets',
      answers: { 200: json('All of them', listOf(reference('Webhook'))) },
      failures: [401],
    },
    post: {
      summary: 'Register a webhook',
      body: reference('WebhookRegistration'),
      answers: { 201: json('Registered', reference('RegisteredWebhook')) },
      failures: [400, 401, 403, 429],
    },
  },
  '/api/v1/webhooks/{id}': {
    get: answersOne('One webhook', 'Webhook'),
    patch: {
      summary: 'Change some of it, pause it or go on',
      body: { type: 'object', description: 'What is to change of a registration' },
      answers: { 200: json('As it is now', reference('Webhook')) },
      failures: [400, 401, 403, 404],
    },
    delete: removes('Unregister a webhook'),
  },
  '/api/v1/webhooks/{id}/deliveries': {
    get: {
      summary: 'What became of its deliveries, the newest first',
      query: ['state', ...PAGE],
      answers: {
        200: json(
          'One page',
          object({
            deliveries: listOf(reference('Delivery')),
            next_page_token: LISTS.next_page_token,
          }),
        ),
      },
      failures: [400, 401, 404],
    },
  },
  '/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver': {
    post: {
      summary: 'Deliver it again',
      answers: { 200: json('It is due again', { type: 'object' }) },
      failures: [401, 403, 404, 409],
    },
  },
  '/api/v1/webhooks/{id}/test': {
    post: {
      summary: 'Call it once, and say what it answered',
      answers: {
        200: json(
          'What came of it',
          object({
            delivered: { type: 'boolean' },
            status: { type: ['integer', 'null'] },
            error: { type: ['string', 'null'] },
          }),
        ),
      },
      failures: [401, 403, 404],
    },
  },
};

const RULES: Paths = {
  '/api/v1/rules': {
    get: {
      summary: 'The threshold rules, built-in ones too',
      query: ['customer_id', ...PAGE],
      answers: { 200: json('One page', object({ rules: listOf(reference('Rule')), ...LISTS })) },
      failures: [400, 401, 403],
    },
    post: {
      summary: 'Make a rule',
      body: reference('RuleDefinition'),
      answers: { 201: json('Made', reference('Rule')) },
      failures: [400, 401, 403, 409, 429],
    },
  },
  '/api/v1/rules/{id}': {
    get: answersOne('One rule', 'Rule'),
    put: {
      summary: 'Replace a rule',
      body: reference('RuleDefinition'),
      answers: { 200: json('As it is now', reference('Rule')) },
      failures: [400, 401, 403, 404, 409],
    },
    patch: {
      summary: 'Change some of a rule',
      body: reference('RuleChange'),
      answers: { 200: json('As it is now', reference('Rule')) },
      failures: [400, 401, 403, 404, 409],
    },
    delete: removes('Remove a rule'),
  },
  '/api/v1/alerts': {
    get: {
      summary: 'What pends and fires now',
      query: ['state', 'severity', 'rule', 'customer_id', ...PAGE],
      answers: { 200: json('One page', object({ alerts: listOf(reference('Alert')), ...LISTS })) },
      failures: [400, 401, 403],
    },
  },
  '/api/v1/silences': {
    get: {
      summary: 'What is told to nobody for a while',
      answers: { 200: json('All of them', object({ silences: listOf(reference('Silence')) })) },
      failures: [401, 403],
    },
    post: {
      summary: 'Tell nobody of certain alerts for a while',
      body: reference('Silence'),
      answers: { 201: json('Made', reference('Silence')) },
      failures: [400, 401, 403, 429],
    },
  },
  '/api/v1/silences/{id}': { delete: removes('End a silence') },
};

const HISTORY: Paths = {
  '/api/v1/metrics/series': {
    get: {
      summary: 'Which series there are',
      query: SELECTION,
      answers: { 200: json('Each with its labels', listOf({ type: 'object' })) },
      failures: [400, 401],
    },
  },
  '/api/v1/metrics/range': {
    get: {
      summary: 'Values over time, as JSON or CSV',
      query: [...SELECTION, 'step', 'fn', 'by', 'agg', 'format'],
      answers: {
        200: {
          description: 'The series',
          content: {
            'application/json': { schema: { type: 'object' } },
            'text/csv': { schema: { type: 'string' } },
          },
        },
      },
      failures: [400, 401, 429],
    },
  },
  '/api/v1/query': alsoPosted('Evaluate PromQL at one instant', ['query', 'time', 'timeout']),
  '/api/v1/query_range': alsoPosted('Evaluate PromQL over time', [
    ...['query', 'start', 'end', 'step', 'timeout'],
  ]),
  '/api/v1/series': alsoPosted('The label sets that selectors find', SPAN),
  '/api/v1/labels': alsoPosted('The names of labels', SPAN),
  '/api/v1/label/{name}/values': { get: prometheus('The values of a label', SPAN) },
  '/api/v1/metadata': { get: prometheus('Kind and help of metrics', ['metric', 'limit']) },
  '/api/v1/status/buildinfo': { get: prometheus('What answers here', []) },
};

const PATHS: Paths = { ...MEASURING, ...WEBHOOKS, ...RULES, ...HISTORY };

export function createOpenApi(version: string): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Drover vm-metrics', version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: SCHEMAS,
    },
    paths: Object.fromEntries(
      Object.entries(PATHS).map(([path, item]) => [
        path,
        Object.fromEntries(
          Object.entries(item).map(([method, operation]) => [
            method,
            operationToJson(path, operation),
          ]),
        ),
      ]),
    ),
  };
}

function operationToJson(path: string, operation: Operation): Json {
  const { summary, isPublic, query = [], body, answers, failures = [] } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
  const inQuery = query.map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
  const error = json('Refused; the body says why', reference('Error'));
  return {
    summary,
    // A token, or none where the settings allow that.
    ...(isPublic !== true && { security: [{ bearer: [] }, {}] }),
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    responses: { ...answers, ...Object.fromEntries(failures.map((code) => [code, error])) },
  };
}

function answersOne(summary: string, name: 'Webhook' | 'Rule'): Operation {
  return { summary, answers: { 200: json(summary, reference(name)) }, failures: [401, 403, 404] };
}

function removes(summary: string): Operation {
  return { summary, answers: { 204: { description: 'It is gone' } }, failures: [401, 403, 404] };
}

/** Its own form of answers, errors too, which is that of Prometheus. */
function prometheus(summary: string, query: readonly string[]): Operation {
  const answer = json('As Prometheus answers', reference('PrometheusAnswer'));
  return { summary, query, answers: { 200: answer, 400: answer, 422: answer } };
}

/** Parameters may come in the query or, by POST, as a form. */
function alsoPosted(summary: string, query: readonly string[]) {
  const operation = prometheus(summary, query);
  return { get: operation, post: operation };
}

function object(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

function json(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

function text(description: string, ...types: readonly string[]): Json {
  const content = Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
  return { description, content };
}
