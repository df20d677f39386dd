/** A browser's session on the gateway: over REST, RPC and WebSockets; what it is not good for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { TokenService } from '#access/token-service.ts';
import { systemClock } from '#kernel/clock.ts';
import { VM_SERVICE, get, post, type Answer } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const SESSION = '/api/session';
const LIST_VMS = `/${VM_SERVICE}/ListVms`;

let server: TestServer;
let own: Record<string, string>;
const foreign = { origin: 'http://evil.test' };

before(async () => {
  server = await openTestServer({ config: { auth: { mode: 'token', jwt: undefined } } });
  own = { origin: server.url };
});
after(() => server[Symbol.asyncDispose]());

async function createToken(scope: 'operator' | 'customer' | 'read-only'): Promise<string> {
  const store = server.server.context.stores.tokens;
  const tokens = new TokenService({ store, clock: systemClock });
  const owner = scope === 'operator' ? {} : { customerId: '123' };
  return (await tokens.createToken({ name: 'ada', scope, ...owner })).secret;
}

async function signIn(scope: 'operator' | 'customer' | 'read-only'): Promise<string> {
  const token = await createToken(scope);
  const { headers } = await post(server, SESSION, { body: { token }, headers: own });
  return headers.get('set-cookie')?.split(';', 1)[0] ?? '';
}

function reasonOf({ status, json }: Answer): readonly [number, string] {
  return [status, json.details[0].reason];
}

describe('signing in', () => {
  it('says who that is, and keeps the token in a cookie', async () => {
    const token = await createToken('operator');
    const { status, json, headers } = await post(server, SESSION, { body: { token } });
    assert.equal(status, 200);
    assert.deepEqual(json, {
      ...{ authenticated: true, dev_mode: false, kind: 'operator', name: 'ada' },
      ...{ customer_id: null, may_change: true },
    });
    assert.match(headers.get('set-cookie') ?? '', /; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  it('tells who may change things, and whose they are', async () => {
    const cases = [
      ['customer', true],
      ['read-only', false],
    ] as const;
    for (const [scope, mayChange] of cases) {
      const cookie = await signIn(scope);
      const { json } = await get(server, SESSION, { headers: { cookie } });
      assert.deepEqual(
        [json.kind, json.customer_id, json.may_change],
        ['customer', '123', mayChange],
      );
    }
  });

  it('refuses tokens of nobody, and what is no token', async () => {
    const unknown = await post(server, SESSION, { body: { token: 'drover_nonsense' } });
    assert.deepEqual(reasonOf(unknown), [401, 'INVALID_TOKEN']);
    assert.equal(unknown.headers.get('set-cookie'), null);
    for (const body of [{}, { token: 7 }, { token: 'a; Domain=evil.test' }, []]) {
      assert.equal((await post(server, SESSION, { body })).status, 400);
    }
  });

  it('cannot be done by a page of another origin', async () => {
    const token = await createToken('operator');
    const answer = await post(server, SESSION, { body: { token }, headers: foreign });
    assert.deepEqual(reasonOf(answer), [403, 'CROSS_SITE']);
  });

  it('is over when the token is, and the cookie is taken back', async () => {
    const cookie = await signIn('operator');
    const store = server.server.context.stores.tokens;
    const tokens = new TokenService({ store, clock: systemClock });
    for (const { id } of await tokens.listTokens()) await tokens.revokeToken(id);
    const other = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const { json, headers } = await get(server, SESSION, { headers: { cookie: other } });
    assert.deepEqual(json, { authenticated: false, dev_mode: false });
    assert.match(headers.get('set-cookie') ?? '', /^drover_session=; Max-Age=0;/);
  });

  it('ends on request', async () => {
    const cookie = await signIn('operator');
    const headers = { cookie, ...own };
    const ended = await fetch(new URL(SESSION, server.url), { method: 'DELETE', headers });
    assert.equal(ended.status, 204);
    assert.match(ended.headers.get('set-cookie') ?? '', /Max-Age=0/);
  });
});

describe('a session', () => {
  let cookie: string;
  before(async () => {
    cookie = await signIn('operator');
  });

  it('reads and changes over REST and RPC for pages of the same origin', async () => {
    const headers = { cookie, ...own };
    assert.equal((await get(server, '/get', { headers: { cookie } })).status, 200);
    assert.equal((await get(server, '/v1/vms', { headers: { cookie } })).status, 200);
    assert.equal((await post(server, LIST_VMS, { headers })).status, 200);
    // Refused for what is asked, and not for who asks.
    assert.equal((await post(server, '/jobs/cancel', { headers })).status, 400);
  });

  it('changes nothing for any other page, nor for none', async () => {
    for (const headers of [{ cookie, ...foreign }, { cookie }]) {
      for (const path of [LIST_VMS, '/jobs/cancel', '/api/v1/rules', '/api/v1/apps']) {
        const answer = await post(server, path, { headers });
        assert.equal(answer.status, 403, path);
        assert.equal(answer.json.details?.[0].reason, 'CROSS_SITE', path);
      }
    }
  });

  it('counts for less than a header', async () => {
    const token = await createToken('read-only');
    const headers = { cookie, ...own };
    const { json } = await get(server, SESSION, { token, headers });
    assert.equal(json.kind, 'customer');
    assert.equal((await get(server, '/get', { token, headers })).status, 403);
    assert.equal((await post(server, LIST_VMS, { token: 'drover_x', headers })).status, 401);
    // With a header it is no browser's doing, wherever it comes from.
    assert.equal(
      (await post(server, LIST_VMS, { token, headers: { cookie, ...foreign } })).status,
      200,
    );
  });

  it('opens WebSockets for pages of the same origin alone', async () => {
    const url = `${server.url.replace('http', 'ws')}/ws`;
    const socket = new WebSocket(url, { headers: { cookie, ...own } });
    const [message] = (await once(socket, 'message')) as [Buffer];
    assert.match(message.toString(), /"type":"jobs"/);
    socket.close();
    await once(socket, 'close');
    for (const headers of [{ cookie, ...foreign }, { cookie }]) {
      const refused = new WebSocket(url, { headers });
      const [error] = (await once(refused, 'error')) as [Error];
      assert.match(error.message, /403/);
    }
  });
});
