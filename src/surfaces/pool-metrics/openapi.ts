/** The OpenAPI document of this surface. A test compares it with the routes that there are. */
import { WORKER_STATES } from '#workers/worker-state.ts';
import { ISOLATIONS } from '#workers/worker-app.ts';
import { END_REASONS } from '#workers/worker-view.ts';
import { OPENAPI_PATH, PATHS, withSlashes, type Endpoint } from './paths.ts';

type Json = Record<string, unknown>;

const TEXT = { type: 'string' };
const NUMBER = { type: 'number' };
const WHOLE = { type: 'integer' };
const RATIO = { type: 'number', minimum: 0, maximum: 1 };

const SCHEMAS = {
  Error: shape({
    code: { ...TEXT, description: 'One of the kinds in docs/errors.md' },
    message: TEXT,
    details: { type: 'array', items: { type: 'object' } },
    request_id: TEXT,
  }),
  Pool: shape({
    size: { ...WHOLE, description: 'The most workers there may be' },
    active: { ...WHOLE, description: 'With a request under way' },
    idle: { ...WHOLE, description: 'Alive without one, those that never had one too' },
    creating: { ...WHOLE, description: 'Being started' },
    total: { ...WHOLE, description: 'active + idle + creating' },
    utilization: { ...RATIO, description: 'active / size, not rounded' },
  }),
  Metrics: shape({
    pool: reference('Pool'),
    uptime: { ...WHOLE, description: 'Of the server, in seconds' },
    timestamp: { ...TEXT, format: 'date-time' },
  }),
  Memory: shape({
    rss: { ...WHOLE, description: 'Bytes; 0 when not read yet' },
    heapUsed: { ...WHOLE, description: 'Bytes; 0 when not read yet' },
    source: {
      ...orNull(TEXT),
      enum: ['process', 'share', null],
      description: 'process: measured; share: this thread of what the whole process holds',
    },
    age: { ...orNull(NUMBER), description: 'Seconds since it was read' },
  }),
  Worker: shape({
    ...{ id: TEXT, app: { ...TEXT, description: 'name@version' } },
    state: { ...TEXT, enum: [...WORKER_STATES] },
    requests: { ...WHOLE, description: 'All it was ever given' },
    uptime: { ...WHOLE, description: 'Seconds since it was created' },
    memory: reference('Memory'),
    kind: { ...TEXT, enum: [...ISOLATIONS] },
    pid: orNull(WHOLE),
    inFlight: { ...WHOLE, description: 'Requests under way' },
    draining: { type: 'boolean', description: 'Finishes what it has and gets nothing more' },
    utilization: { ...orNull(NUMBER), description: 'Of its event loop, 0 to 1' },
    endReason: { ...orNull(TEXT), enum: [...END_REASONS, null] },
  }),
  Stats: shape({
    pool: reference('Pool'),
    workers: { type: 'array', items: reference('Worker') },
  }),
} satisfies Json;

interface Operation {
  readonly summary: string;
  readonly type: string;
  readonly schema: Json;
}

const OPERATIONS: Record<Endpoint, Operation> = {
  metrics: {
    summary: 'The numbers of the pool',
    type: 'application/json',
    schema: reference('Metrics'),
  },
  prometheus: { summary: 'The same for Prometheus', type: 'text/plain', schema: TEXT },
  sse: {
    summary: 'The same at once and then at every interval, as server-sent events',
    type: 'text/event-stream',
    schema: TEXT,
  },
  stats: {
    summary: 'The numbers of the pool and each of its workers',
    type: 'application/json',
    schema: reference('Stats'),
  },
};

export function createOpenApi(version: string): Json {
  const endpoints = Object.keys(PATHS) as Endpoint[];
  return {
    openapi: '3.1.0',
    info: { title: 'Drover pool-metrics', version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: SCHEMAS,
    },
    paths: {
      ...Object.fromEntries(endpoints.flatMap(pathsOf)),
      [OPENAPI_PATH]: {
        get: {
          summary: 'This document',
          responses: { 200: answer('OpenAPI 3.1', 'application/json', { type: 'object' }) },
        },
      },
    },
  };
}

function pathsOf(endpoint: Endpoint): [path: string, item: Json][] {
  const [documented] = PATHS[endpoint];
  return withSlashes(endpoint).map((path) => {
    const isAlias = path !== documented;
    return [path, { get: operationToJson(OPERATIONS[endpoint], isAlias ? documented : undefined) }];
  });
}

function operationToJson({ summary, type, schema }: Operation, sameAs: string | undefined): Json {
  const refusal = answer('Refused; the body says why', 'application/json', reference('Error'));
  return {
    summary: sameAs === undefined ? summary : `The same as ${sameAs}`,
    // A token, or none where the settings allow that.
    security: [{ bearer: [] }, {}],
    responses: {
      200: answer(summary, type, schema),
      ...Object.fromEntries([401, 403, 503].map((status) => [status, refusal])),
    },
  };
}

function answer(description: string, type: string, schema: Json): Json {
  return { description, content: { [type]: { schema } } };
}

function shape(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

function orNull({ type }: { readonly type: string }): Json {
  return { type: [type, 'null'] };
}

function reference(name: 'Error' | 'Pool' | 'Metrics' | 'Memory' | 'Worker' | 'Stats'): Json {
  return { $ref: `#/components/schemas/${name}` };
}
