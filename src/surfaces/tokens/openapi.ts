/** The OpenAPI document of this surface. A test compares it with routes and answers. */
import { SCOPES } from '#access/principal.ts';
import { createOpenApi, type Operations } from '#surfaces/edge/openapi-document.ts';
import {
  ANY,
  FLAG,
  listOf,
  oneOf,
  orNull,
  reference,
  shape,
  TEXT,
  TIME,
  WHOLE,
  type Json,
} from '#surfaces/edge/openapi-kinds.ts';
import { TOKEN_STATES } from './token-to-json.ts';

const TOKEN_FIELDS = {
  ...{ id: TEXT, name: TEXT, scope: oneOf(SCOPES), customer_id: orNull(TEXT) },
  state: oneOf(TOKEN_STATES),
  current: { ...FLAG, description: 'It is the one that this request came with' },
  ...{ created_at: TIME, expires_at: orNull(TIME), revoked_at: orNull(TIME) },
  last_used_at: { ...orNull(TIME), description: 'To the minute' },
};

const SCHEMAS = {
  Token: shape(TOKEN_FIELDS),
  CreatedToken: shape({
    ...TOKEN_FIELDS,
    token: { ...TEXT, description: 'The secret. It is shown here, and nowhere again.' },
  }),
  NewToken: {
    type: 'object',
    required: ['name', 'scope'],
    additionalProperties: false,
    properties: {
      ...{ name: TEXT, scope: oneOf(SCOPES) },
      customer_id: { ...TEXT, description: 'Whose it is; left out for the scope operator' },
      expires_in: {
        type: ['number', 'string'],
        description: 'Seconds, or such as 90d; left out, it does not end by itself',
      },
    },
  },
  Error: {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code: { ...TEXT, description: 'One of the kinds in docs/errors.md' },
      ...{ message: TEXT, details: listOf(ANY), request_id: TEXT },
    },
  },
};

const OPERATIONS: Operations = {
  '/api/v1/tokens': {
    get: {
      summary: 'The tokens that there are and were, the newest first, without their secrets',
      query: {
        page_size: { ...WHOLE, minimum: 1, maximum: 1000, default: 50 },
        page_token: { ...TEXT, description: 'The next_page_token of the page before' },
      },
      answer: shape({ tokens: listOf(reference('Token')), next_page_token: TEXT }),
      failures: [400, 401, 403],
    },
    post: {
      ...{ summary: 'Make a token', body: reference('NewToken'), status: 201 },
      ...{ answer: reference('CreatedToken'), failures: [400, 401, 403] },
    },
  },
  '/api/v1/tokens/{id}': {
    delete: {
      ...{ summary: 'Take it back; a second time changes nothing', answer: ANY, status: 204 },
      failures: [401, 403, 404],
    },
  },
  '/api/v1/tokens/openapi.json': {
    get: { summary: 'This document', answer: ANY, failures: [], isPublic: true },
  },
};

export function createTokensOpenApi(version: string): Json {
  return createOpenApi({ name: 'tokens', version, schemas: SCHEMAS, operations: OPERATIONS });
}
