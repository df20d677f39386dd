/** The OpenAPI document of this surface. A test compares it with the routes that there are. */

type Json = Record<string, unknown>;

interface Operation {
  readonly summary: string;
  readonly isPublic?: boolean;
  readonly query?: Json;
  readonly requestBody?: Json;
  readonly answers: Json;
  readonly failures: readonly number[];
}

const TEXT = { type: 'string' };
const WHOLE = { type: 'integer' };
const TIME = { type: 'string', format: 'date-time' };
const ACCESS = { type: 'string', enum: ['public', 'token', 'operator'] };

const SCHEMAS: Json = {
  Error: shape({
    code: { type: 'string', description: 'One of the kinds in docs/errors.md' },
    message: TEXT,
    details: listOf({ type: 'object' }),
    request_id: TEXT,
  }),
  Failing: {
    type: ['object', 'null'],
    description: 'Set while its workers do not start',
    required: ['message', 'attempts'],
    properties: { message: TEXT, attempts: WHOLE },
  },
  Workers: {
    type: ['object', 'null'],
    description: 'Null for an app of files alone',
    required: ['active', 'idle', 'creating', 'in_flight', 'queued', 'requests', 'failing'],
    properties: {
      ...{ active: WHOLE, idle: WHOLE, creating: WHOLE },
      ...{ in_flight: WHOLE, queued: WHOLE, requests: WHOLE, failing: reference('Failing') },
    },
  },
  Version: shape({
    ...{ version: TEXT, current: { type: 'boolean' }, deployed_at: TIME },
    ...{ size_bytes: WHOLE, file_count: WHOLE, workers: reference('Workers') },
  }),
  App: shape({
    ...{ name: TEXT, current: TEXT, url: TEXT, access: ACCESS, failing: reference('Failing') },
    workers: shape({ active: WHOLE, idle: WHOLE, creating: WHOLE }),
    versions: listOf(reference('Version')),
  }),
  Deployment: shape({
    ...{ name: TEXT, version: TEXT, url: TEXT, access: ACCESS },
    ...{ previous_version: { type: ['string', 'null'] }, deployed_at: TIME },
    ...{ size_bytes: WHOLE, file_count: WHOLE },
  }),
  LogLine: shape({
    ...{ at: TIME, version: TEXT, line: TEXT },
    stream: { type: 'string', enum: ['stdout', 'stderr', 'drover'] },
  }),
};

const ARCHIVE = { schema: { type: 'string', format: 'binary' } };

const PATHS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/api/v1/apps': {
    get: {
      summary: 'All apps, by name',
      answers: { 200: json('The apps', shape({ apps: listOf(reference('App')) })) },
      failures: [401, 403],
    },
    post: {
      summary: 'Deploy an archive: it becomes the current version of the app it names',
      requestBody: {
        required: true,
        content: {
          ...{ 'application/gzip': ARCHIVE, 'application/x-gzip': ARCHIVE },
          ...{ 'application/x-tar': ARCHIVE, 'application/octet-stream': ARCHIVE },
        },
      },
      answers: { 201: json('Deployed', reference('Deployment')) },
      failures: [400, 401, 403, 409, 413, 415, 429, 507],
    },
  },
  '/api/v1/apps/{name}': {
    get: {
      summary: 'One app',
      answers: { 200: json('The app', reference('App')) },
      failures: [401, 403, 404],
    },
    delete: {
      summary: 'Remove an app, or with version one version of it that is not current',
      query: { version: TEXT },
      answers: { 204: { description: 'It is gone' } },
      failures: [400, 401, 403, 404, 412],
    },
  },
  '/api/v1/apps/{name}/rollback': {
    post: {
      summary: 'Let the version before answer again, or a named one',
      requestBody: {
        required: false,
        content: {
          'application/json': { schema: { type: 'object', properties: { version: TEXT } } },
        },
      },
      answers: { 200: json('As it is now', reference('App')) },
      failures: [400, 401, 403, 404, 412],
    },
  },
  '/api/v1/apps/{name}/logs': {
    get: {
      summary: 'What the app wrote; with follow=true what it goes on to write',
      query: {
        lines: { type: 'integer', minimum: 0, maximum: 10_000, default: 100 },
        follow: { type: 'boolean', default: false },
      },
      answers: {
        200: {
          description: 'One LogLine on each line; lines that are empty say that it goes on',
          content: { 'application/x-ndjson': { schema: reference('LogLine') } },
        },
      },
      failures: [400, 401, 403, 404, 429],
    },
  },
  '/api/v1/apps/openapi.json': {
    get: {
      summary: 'This document',
      isPublic: true,
      answers: { 200: json('OpenAPI 3.1', { type: 'object' }) },
      failures: [],
    },
  },
};

export function createOpenApi(version: string): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Drover apps', version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: SCHEMAS,
    },
    paths: Object.fromEntries(
      Object.entries(PATHS).map(([path, item]) => [path, pathToJson(path, item)]),
    ),
  };
}

function pathToJson(path: string, item: Readonly<Record<string, Operation>>): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: TEXT },
  }));
  const refused = json('Refused; the body says why', reference('Error'));
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const { summary, isPublic, query = {}, requestBody, answers, failures } = operation;
      const inQuery = Object.entries(query).map(([name, schema]) => ({
        name,
        in: 'query',
        schema,
      }));
      const described = {
        summary,
        ...(isPublic !== true && { security: [{ bearer: [] }] }),
        parameters: [...inPath, ...inQuery],
        ...(requestBody !== undefined && { requestBody }),
        responses: { ...answers, ...Object.fromEntries(failures.map((code) => [code, refused])) },
      };
      return [method, described];
    }),
  );
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function shape(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

function listOf(items: Json): Json {
  return { type: 'array', items };
}

function json(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}
