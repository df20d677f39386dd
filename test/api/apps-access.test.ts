import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, it } from 'node:test';
import type { AppAccess } from '#workers/apps/app.ts';
import type { Caller } from '#workers/exchange.ts';
import { openApps, testVersion, type AppsFixture } from '#test/apps-fixture.ts';
import { http2Request } from '#test/http2-client.ts';
import { openRawClient } from '#test/raw-client.ts';

const VERSIONS = (['public', 'token', 'operator'] as const).map((access) =>
  testVersion(access, { access }),
);

async function ask(
  apps: AppsFixture,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  const to = { host: '127.0.0.1', port: apps.port, path };
  const request = http.get({ ...to, headers, agent: false });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of answer.setEncoding('utf8')) body += chunk;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}

interface Case {
  readonly access: AppAccess;
  readonly authorization: string | undefined;
  readonly status: number;
  readonly caller?: Caller;
  /** What the app gets to see. */
  readonly passed?: string;
}

const CUSTOMER = { kind: 'customer', id: '42' } as const;
const OPERATOR = { kind: 'operator', id: 'dev' } as const;
const JWT = 'Bearer aaaa.bbbb.cccc';

const CASES: readonly Case[] = [
  { access: 'public', authorization: undefined, status: 200 },
  { access: 'public', authorization: 'Bearer dev_customer_42', status: 200 },
  { access: 'public', authorization: 'bearer   dev_operator', status: 200 },
  { access: 'public', authorization: 'Basic YTpi', status: 200, passed: 'Basic YTpi' },
  { access: 'public', authorization: JWT, status: 200, passed: JWT },
  { access: 'public', authorization: 'Bearer drover_tok_0123_revoked', status: 200 },
  { access: 'token', authorization: undefined, status: 401 },
  { access: 'token', authorization: 'Basic YTpi', status: 401 },
  { access: 'token', authorization: JWT, status: 401 },
  { access: 'token', authorization: 'Bearer dev_customer_42', status: 200, caller: CUSTOMER },
  { access: 'token', authorization: 'Bearer dev_operator', status: 200, caller: OPERATOR },
  { access: 'operator', authorization: undefined, status: 401 },
  { access: 'operator', authorization: 'Bearer dev_customer_42', status: 403 },
  { access: 'operator', authorization: 'Bearer dev_operator', status: 200, caller: OPERATOR },
];

describe('access to an app', () => {
  for (const { access, authorization, status, caller, passed } of CASES) {
    it(`that is ${access} is ${status} with ${authorization ?? 'no token'}`, async () => {
      await using apps = await openApps({ versions: VERSIONS });
      const headers = authorization === undefined ? undefined : { authorization };
      const answer = await ask(apps, `/apps/${access}/`, headers);
      assert.equal(answer.status, status);
      if (status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
      const call = apps.pool.calls[0];
      assert.equal(call === undefined, status !== 200);
      assert.deepEqual(call?.head.caller, caller);
      assert.deepEqual(call?.header('authorization') ?? [], passed === undefined ? [] : [passed]);
    });
  }

  it('never gives an API token away, however it is sent', async () => {
    await using apps = await openApps({ versions: VERSIONS });
    const { secret } = await apps.tokens.createToken({ name: 'ci', scope: 'operator' });
    for (const access of ['public', 'token', 'operator']) {
      await ask(apps, `/apps/${access}/`, { authorization: `Bearer ${secret}` });
      using client = await openRawClient(apps.port);
      const twice = `Authorization: Basic x\r\nAuthorization: Bearer ${secret}`;
      client.send(`GET /apps/${access}/ HTTP/1.1\r\nHost: a\r\n${twice}\r\n\r\n`);
      await client.receive('\r\n\r\n');
      await ask(apps, `/apps/${access}/`, { 'proxy-authorization': `Bearer ${secret}` });
    }
    assert.ok(apps.pool.calls.length >= 3);
    const seen = JSON.stringify(apps.pool.calls.map(({ head }) => head));
    assert.ok(!seen.includes(secret));
    assert.ok(!apps.logged.text().includes(secret));
  });

  it('over HTTP/2 is decided alike', async () => {
    await using apps = await openApps({ versions: VERSIONS });
    const session = http2.connect(apps.url);
    const refused = await http2Request(session, { ':path': '/apps/token/' });
    assert.equal(refused.status, 401);
    const authorization = 'Bearer dev_customer_42';
    const admitted = await http2Request(session, { ':path': '/apps/token/', authorization });
    assert.equal(admitted.status, 200);
    assert.deepEqual(apps.pool.calls[0]?.head.caller, CUSTOMER);
    assert.deepEqual(apps.pool.calls[0]?.header('authorization'), []);
    session.close();
  });

  it('is logged with who it was', async () => {
    await using apps = await openApps({ versions: VERSIONS });
    await ask(apps, '/apps/token/', { authorization: 'Bearer dev_customer_42' });
    const line = apps.logged.records().find(({ msg }) => msg === 'request');
    assert.equal(line?.['principal'], 'customer:42');
  });
});

describe('a host of an app', () => {
  const options = {
    versions: [testVersion('shop'), testVersion('cart', { access: 'token' })],
    domain: 'apps.test',
    hosts: new Map([['shop.example.com', 'shop@1']]),
  };

  it('is served by the app alone, at the root', async () => {
    await using apps = await openApps(options);
    for (const path of ['/', '/health', '/api/v1/apps', '/apps/cart/x?y', '/apps/shop']) {
      const answer = await ask(apps, path, { host: 'shop.example.com' });
      assert.deepEqual([answer.status, answer.body], [200, 'ok'], path);
    }
    const call = apps.pool.calls[3];
    assert.equal(call?.head.url, 'http://shop.example.com/apps/cart/x?y');
    assert.deepEqual(call?.header('x-base'), ['/']);
  });

  it('is found below the domain, in any case and with a port', async () => {
    await using apps = await openApps(options);
    const authorization = 'Bearer dev_operator';
    const answer = await ask(apps, '/a', { host: 'CART.apps.test:8080', authorization });
    assert.equal(answer.status, 200);
    assert.equal(apps.pool.calls[0]?.key, 'cart@1.0.0');
    assert.equal((await ask(apps, '/health', { host: 'none.apps.test' })).status, 404);
    assert.equal((await ask(apps, '/health', { host: 'cart.apps.test' })).status, 401);
  });

  it('over HTTP/2 is told by the authority', async () => {
    await using apps = await openApps(options);
    const session = http2.connect(apps.url);
    const authority = 'shop.example.com';
    const answer = await http2Request(session, { ':path': '/health', ':authority': authority });
    assert.equal(answer.body, 'ok');
    assert.deepEqual(apps.pool.calls[0]?.header('host'), ['shop.example.com']);
    session.close();
  });

  it('leaves the other hosts to the platform', async () => {
    await using apps = await openApps(options);
    assert.equal((await ask(apps, '/health')).body, 'healthy');
    assert.equal((await ask(apps, '/health', { host: 'a.shop.apps.test' })).body, 'healthy');
    assert.equal((await ask(apps, '/nothing/here')).status, 404);
    assert.equal((await ask(apps, '/apps/shop/')).status, 200);
  });
});
