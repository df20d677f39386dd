/** The OpenAPI document of this surface. A test compares it with the routes that there are. */

type Json = Record<string, unknown>;

const TEXT = { type: 'string' };
const YES_OR_NO = { type: 'boolean' };
const ERROR = shape({
  ...{ code: { type: 'string', description: 'One of the kinds in docs/errors.md' }, message: TEXT },
  ...{ details: { type: 'array', items: { type: 'object' } }, request_id: TEXT },
});
const SIGNED_OUT = shape({ authenticated: { const: false }, dev_mode: YES_OR_NO });
const SIGNED_IN = shape({
  authenticated: { const: true },
  dev_mode: { ...YES_OR_NO, description: 'Development tokens are accepted' },
  kind: { type: 'string', enum: ['operator', 'customer'] },
  name: TEXT,
  customer_id: { type: ['string', 'null'] },
  may_change: { ...YES_OR_NO, description: 'False for a token that may only read' },
});

const PATHS: Json = {
  '/': { get: file('The web page', 'text/html') },
  '/assets/{file}': {
    get: {
      ...file('A file of the page, kept for ever', '*/*'),
      parameters: [{ name: 'file', in: 'path', required: true, schema: TEXT }],
    },
  },
  '/favicon.svg': { get: file('The icon of the page', 'image/svg+xml') },
  '/api/session': {
    get: {
      summary: 'Who is asking, by the Authorization header or else the cookie',
      responses: { 200: answer('Who that is', { oneOf: [SIGNED_IN, SIGNED_OUT] }) },
    },
    post: {
      summary: 'Keeps a token in a cookie that scripts cannot read',
      requestBody: { required: true, ...content(shape({ token: TEXT })) },
      responses: { 200: answer('Whose token it is', SIGNED_IN), ...refused(400, 401, 403) },
    },
    delete: {
      summary: 'Takes the cookie back',
      responses: { 204: { description: 'There is no session any more' }, ...refused(403) },
    },
  },
  '/api/session/openapi.json': {
    get: {
      summary: 'This document',
      responses: { 200: answer('OpenAPI 3.1', { type: 'object' }) },
    },
  },
};

export function createOpenApi(version: string): Json {
  return { openapi: '3.1.0', info: { title: 'Drover web page', version }, paths: PATHS };
}

function file(summary: string, type: string): Json {
  return { summary, responses: { 200: { description: summary, content: { [type]: {} } } } };
}

function refused(...statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((each) => [each, answer('Why not', ERROR)]));
}

function answer(description: string, schema: Json): Json {
  return { description, ...content(schema) };
}

function content(schema: Json): Json {
  return { content: { 'application/json': { schema } } };
}

function shape(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}
