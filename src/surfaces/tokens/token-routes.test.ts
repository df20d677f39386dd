import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { TokenService } from '#access/token-service.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { MemoryTokenStore } from '#test/memory-token-store.ts';
import { mountTokens } from './mount-tokens.ts';
import { createTokensOpenApi } from './openapi.ts';

const PATH = '/api/v1/tokens';
const OPERATOR = 'dev_operator';

interface Call {
  readonly body?: unknown;
  readonly as?: string;
}

function setUp() {
  const clock = new FakeClock();
  const logged = createLogCapture();
  const tokens = new TokenService({ store: new MemoryTokenStore(), clock });
  const authenticator = new Authenticator({ devMode: true, tokens });
  const { signal } = new AbortController();
  const app = createEdgeApp({
    ...{ log: logged.log, clock, limits: DEFAULT_EDGE_LIMITS, draining: signal },
  });
  const routes = new Set<string>();
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.replaceAll(/:(\w+)/g, '{$1}');
    for (const each of [method].flat()) if (each !== 'HEAD') routes.add(`${each} ${path}`);
  });
  mountTokens(app, { tokens, authenticator, clock, log: logged.log, version: '1.2.3' });
  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    { body, as = OPERATOR }: Call = {},
  ) => {
    const { statusCode, headers, payload } = await app.inject({
      ...{ method, url, headers: as === '' ? {} : { authorization: `Bearer ${as}` } },
      ...(body !== undefined && { payload: body as object }),
    });
    const json = payload === '' ? undefined : JSON.parse(payload);
    return { status: statusCode, headers, json, text: payload };
  };
  const make = async (body: object, as = OPERATOR) => await call('POST', PATH, { body, as });
  return { clock, logged, routes, call, make };
}

describe('/api/v1/tokens', () => {
  it('makes one whose secret is in that answer alone', async () => {
    const { call, make, logged, clock } = setUp();
    const body = { name: 'ci', scope: 'read-only', customer_id: 'acme', expires_in: '90d' };
    const { status, headers, json } = await make(body);
    assert.deepEqual([status, headers['cache-control']], [201, 'no-store']);
    const { token: secret, ...shown } = json;
    assert.match(secret, /^drover_tok_[0-9a-f]{12}_[\w-]{43}$/);
    assert.deepEqual(shown, {
      ...{ id: shown.id, name: 'ci', scope: 'read-only', customer_id: 'acme', state: 'active' },
      ...{ current: false, created_at: new Date(clock.nowMs()).toISOString() },
      expires_at: new Date(clock.nowMs() + 90 * 86_400_000).toISOString(),
      ...{ revoked_at: null, last_used_at: null },
    });
    const listed = await call('GET', PATH);
    assert.deepEqual(listed.json, { tokens: [shown], next_page_token: '' });
    const told = logged.text();
    assert.match(told, /an API token was made/);
    assert.doesNotMatch(told + listed.text, new RegExp(secret.slice(-43)));
  });

  it('is for operators who may change things, and nobody else', async () => {
    const { call, make } = setUp();
    const { json: reader } = await make({ name: 'a', scope: 'read-only', customer_id: 'acme' });
    const { json: own } = await make({ name: 'b', scope: 'customer', customer_id: 'acme' });
    for (const as of [reader.token, own.token, 'dev_customer_1']) {
      assert.equal((await call('GET', PATH, { as })).status, 403);
      // It is said before the body is looked at.
      assert.equal((await make({}, as)).status, 403);
      assert.equal((await call('DELETE', `${PATH}/${own.id}`, { as })).status, 403);
    }
    assert.equal((await call('GET', PATH, { as: '' })).status, 401);
    assert.equal((await call('GET', PATH)).json.tokens[0].state, 'active');
  });

  it('takes one back at once, and as often as it is told', async () => {
    const { call, make } = setUp();
    const { json } = await make({ name: 'ops', scope: 'operator' });
    const { token: as } = json;
    assert.equal((await call('GET', PATH, { as })).json.tokens[0].current, true);
    const path = `${PATH}/${json.id}`;
    assert.equal((await call('DELETE', path)).status, 204);
    assert.equal((await call('GET', PATH, { as })).status, 401);
    assert.equal((await call('DELETE', path)).status, 204);
    const [{ state, current }] = (await call('GET', PATH)).json.tokens;
    assert.deepEqual([state, current], ['revoked', false]);
    const { status, json: refused } = await call('DELETE', `${PATH}/tok_000000000000`);
    assert.deepEqual([status, refused.details[0].reason], [404, 'TOKEN_NOT_FOUND']);
  });

  it('makes none of a greater reach than the one that asks', async () => {
    const { clock, call, make } = setUp();
    const { json: brief } = await make({ name: 'ops', scope: 'operator', expires_in: 3600 });
    const { status, json } = await make({ name: 'x', scope: 'operator' }, brief.token);
    assert.equal(status, 403);
    assert.match(json.message, /^expires_in: must end by /);
    const within = { name: 'x', scope: 'operator', expires_in: '30m' };
    assert.equal((await make(within, brief.token)).status, 201);
    await clock.advance(3_600_000);
    const states = (await call('GET', PATH)).json.tokens.map((token: { state: string }) => token);
    assert.deepEqual(
      states.map(({ state }: { state: string }) => state),
      ['expired', 'expired'],
    );
  });

  const refused: readonly (readonly [what: string, body: unknown, message: RegExp])[] = [
    ['nothing', {}, /name: is missing.*scope: is missing.*one of customer, operator, read-only/],
    ['a scope of its own', { name: 'a', scope: 'root' }, /scope: must be one of/],
    ['an age without end', { name: 'a', scope: 'operator', expires_in: '0s' }, /expires_in: must/],
    ['no customer', { name: 'a', scope: 'customer' }, /customer_id: is needed/],
    ['a customer too many', { name: 'a', scope: 'operator', customer_id: 'x' }, /^customer_id/],
    ['an unknown field', { expires_at: 1 }, /"expires_at": is unknown; did you mean expires_in/],
  ];
  for (const [what, body, message] of refused) {
    it(`refuses one with ${what}, by the field`, async () => {
      const { status, json } = await setUp().call('POST', PATH, { body });
      assert.equal(status, 400);
      assert.match(json.message, message);
    });
  }

  it('answers pages, the newest first', async () => {
    const { clock, call, make } = setUp();
    for (const name of ['a', 'b', 'c']) {
      await make({ name, scope: 'operator' });
      await clock.advance(1000);
    }
    const namesAt = async (query: string) => {
      const { json } = await call('GET', `${PATH}?page_size=2${query}`);
      const names = json.tokens.map(({ name }: { readonly name: string }) => name);
      return { names, next: json.next_page_token };
    };
    const { names, next } = await namesAt('');
    assert.deepEqual(names, ['c', 'b']);
    assert.deepEqual(await namesAt(`&page_token=${next}`), { names: ['a'], next: '' });
    assert.equal((await call('GET', `${PATH}?page_size=1001`)).status, 400);
    assert.equal((await call('GET', `${PATH}?page_token=eyJvZmZzZXQiOjV9`)).status, 400);
  });

  it('is what its OpenAPI document says', async () => {
    const { routes, call, make } = setUp();
    const { status, json } = await call('GET', `${PATH}/openapi.json`, { as: '' });
    assert.equal(status, 200);
    assert.deepEqual(json, JSON.parse(JSON.stringify(createTokensOpenApi('1.2.3'))));
    const documented = Object.entries<object>(json.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(documented.toSorted(), [...routes].toSorted());
    const { Token, CreatedToken } = json.components.schemas;
    const { json: made } = await make({ name: 'a', scope: 'operator' });
    assert.deepEqual(Object.keys(made).toSorted(), CreatedToken.required.toSorted());
    const [listed] = (await call('GET', PATH)).json.tokens;
    assert.deepEqual(Object.keys(listed).toSorted(), Token.required.toSorted());
  });
});
