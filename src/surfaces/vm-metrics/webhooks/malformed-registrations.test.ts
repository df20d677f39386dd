/** Every malformed registration is a 400 with a JSON body that names what is wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import { systemClock } from '#kernel/clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { registerWebhookRoutes } from './webhook-routes.ts';

const JSON_TYPE = 'application/json';
const good = { url: 'https://example.com/', event_types: ['metrics'] };

/** The body, and how the message begins. */
const MALFORMED: readonly (readonly [body: unknown, start: string])[] = [
  [{}, 'url: is missing'],
  [{ event_types: ['metrics'] }, 'url: is missing'],
  [{ url: 'https://example.com/' }, 'event_types: is missing'],
  [[], 'the request body: must be a JSON object'],
  ['"text"', 'the request body: must be a JSON object'],
  ['null', 'the request body: must be a JSON object'],
  ['7', 'the request body: must be a JSON object'],
  ['', 'the request body is empty'],
  ['{', 'the request body is not valid JSON'],
  ["{'url': 1}", 'the request body is not valid JSON'],
  ['{"url":"https://example.com/",}', 'the request body is not valid JSON'],
  ['{"__proto__":{}}', 'the request body is not valid JSON'],
  [{ ...good, url: 7 }, 'url: must be a string'],
  [{ ...good, url: null }, 'url: must be a string'],
  [{ ...good, url: '' }, 'url: must be a valid'],
  [{ ...good, url: 'example.com' }, 'url: must be a valid'],
  [{ ...good, url: 'ftp://example.com/' }, 'url: must be a valid'],
  [{ ...good, url: 'https://' }, 'url: must be a valid'],
  [{ ...good, url: `https://example.com/${'x'.repeat(2048)}` }, 'url: must have at most'],
  [{ ...good, url: 'https://a:b@example.com/' }, 'url: must hold no user name'],
  [{ ...good, url: 'https://example.com/#part' }, 'url: must hold no fragment'],
  [{ ...good, url: 'https://exa\nmple.com/' }, 'url: must hold no white space'],
  [{ ...good, event_types: 'metrics' }, 'event_types: must be a list'],
  [{ ...good, event_types: [] }, 'event_types: must be a list'],
  [{ ...good, event_types: ['metrics', 'machines'] }, 'event_types[1]: must be one of'],
  [{ ...good, event_types: [null] }, 'event_types[0]: must be one of'],
  [{ ...good, event_types: Array(101).fill('metrics') }, 'event_types: must be a list'],
  [{ ...good, secret: '' }, 'secret: must be a string of 1 to 256'],
  [{ ...good, secret: 'x'.repeat(257) }, 'secret: must be a string of 1 to 256'],
  [{ ...good, secret: 42 }, 'secret: must be a string'],
  [{ ...good, secret: 'whsec_' }, 'secret: begins with whsec_'],
  [{ ...good, secret: 'whsec_not base64' }, 'secret: begins with whsec_'],
  [
    '{"url":"https://e.com/","event_types":["metrics"],"secret":"\\ud800"}',
    'secret: must be valid',
  ],
  [{ ...good, events: ['metrics'] }, 'events: is not a field here'],
  [{ ...good, event_type: ['metrics'] }, 'event_type: is not a field here; did you mean'],
  [{ ...good, timeout_ms: 99 }, 'timeout_ms: must be a whole number'],
  [{ ...good, timeout_ms: 30_001 }, 'timeout_ms: must be a whole number'],
  [{ ...good, timeout_ms: '5000' }, 'timeout_ms: must be a whole number'],
  [{ ...good, timeout_ms: 1.5e3 + 0.5 }, 'timeout_ms: must be a whole number'],
  [{ ...good, max_attempts: 0 }, 'max_attempts: must be a whole number'],
  [{ ...good, enabled: 'yes' }, 'enabled: must be true or false'],
  [{ ...good, headers: [] }, 'headers: must be an object'],
  [{ ...good, headers: 'X: y' }, 'headers: must be an object'],
  [{ ...good, headers: { 'X-A': 1 } }, 'headers.X-A: must be a string'],
  [{ ...good, headers: { 'X-A': 'a\r\nX-B: b' } }, 'headers.X-A: must be a string'],
  [{ ...good, headers: { 'X A': '1' } }, 'headers.X A: is not the name of a header'],
  [{ ...good, headers: { 'X-A': '1', 'x-a': '2' } }, 'headers.x-a: is there twice'],
  ...['Host', 'connection', 'Content-Length', 'content-type', 'Transfer-Encoding'].map(
    (name) => [{ ...good, headers: { [name]: 'x' } }, `headers.${name}: is not yours`] as const,
  ),
  ...['X-Webhook-Event', 'x-webhook-signature', 'Webhook-Id', 'User-Agent', 'Upgrade'].map(
    (name) => [{ ...good, headers: { [name]: 'x' } }, `headers.${name}: is not yours`] as const,
  ),
  [
    {
      ...good,
      headers: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`X-${at}`, ''])),
    },
    'headers: must hold at most 20',
  ],
  [{ ...good, filter: 'vm-1' }, 'filter: must be a JSON object'],
  [{ ...good, filter: { instance: 'vm-1' } }, 'filter.instance: is not a field here; known'],
  [{ ...good, filter: { severity: 'fatal' } }, 'filter.severity: must be of'],
  [{ ...good, filter: { instance_id: [] } }, 'filter.instance_id: must be'],
  [{ ...good, filter: { rule: [7] } }, 'filter.rule: must hold texts'],
];

describe('a malformed registration', () => {
  let engine: WebhookEngineFixture;
  let app: FastifyInstance;
  before(async () => {
    engine = await WebhookEngineFixture.open();
    app = createEdgeApp({
      log: engine.logged.log,
      clock: systemClock,
      limits: DEFAULT_EDGE_LIMITS,
      draining: new AbortController().signal,
    });
    registerAuthentication(app, new Authenticator({ devMode: true }));
    registerWebhookRoutes(app, { webhooks: engine.webhooks, clock: engine.clock });
  });
  after(() => engine[Symbol.asyncDispose]());

  async function refusal(payload: string | undefined, type: string | undefined) {
    const { statusCode, headers, body } = await app.inject({
      ...{ method: 'POST', url: '/api/v1/webhooks' },
      headers: {
        authorization: 'Bearer dev_operator',
        ...(type !== undefined && { 'content-type': type }),
      },
      ...(payload !== undefined && { payload }),
    });
    assert.equal(statusCode, 400, body);
    assert.match(String(headers['content-type']), /^application\/json/);
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    assert.equal(code, 'invalid_argument');
    return message;
  }

  for (const [body, start] of MALFORMED) {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    it(`${payload.slice(0, 60)} is told '${start}'`, async () => {
      const message = await refusal(payload, JSON_TYPE);
      assert.ok(message.startsWith(start), message);
      assert.deepEqual(await engine.stores.webhooks.list(), []);
    });
  }

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'x']) {
    it(`of the content type ${type} is told to send JSON`, async () => {
      assert.match(await refusal(JSON.stringify(good), type), /Content-Type: application\/json/);
    });
  }

  it('without a body or a type is told what is missing', async () => {
    assert.match(await refusal(undefined, undefined), /must be a JSON object/);
  });
});
