import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { ErrorBody } from '#surfaces/edge/http-errors.ts';
import type { AppLogLine } from '#workers/apps/app-log.ts';
import { openApps, testVersion, type AppsFixture } from '#test/apps-fixture.ts';
import { openRawClient } from '#test/raw-client.ts';
import { until } from '#test/until.ts';

const OPERATOR = { authorization: 'Bearer dev_operator' };
const ARCHIVE = { ...OPERATOR, 'content-type': 'application/gzip' };

async function ask(apps: AppsFixture, method: string, path: string, options: RequestInit = {}) {
  const answer = await fetch(`${apps.url}${path}`, { headers: OPERATOR, method, ...options });
  const text = await answer.text();
  const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
  return { status: answer.status, headers: answer.headers, text, json };
}

const ROUTES: readonly (readonly [string, string])[] = [
  ['GET', '/api/v1/apps'],
  ['GET', '/api/v1/apps/shop'],
  ['POST', '/api/v1/apps'],
  ['POST', '/api/v1/apps/shop/rollback'],
  ['DELETE', '/api/v1/apps/shop'],
  ['GET', '/api/v1/apps/shop/logs'],
];

describe('the management of apps', () => {
  for (const [method, path] of ROUTES) {
    it(`by ${method} ${path} is for operators`, async () => {
      await using apps = await openApps();
      assert.equal((await ask(apps, method, path, { headers: {} })).status, 401);
      const headers = { authorization: 'Bearer dev_customer_1' };
      const refused = await ask(apps, method, path, { headers });
      assert.equal(refused.status, 403);
      assert.equal((JSON.parse(refused.text) as ErrorBody).details[0]?.reason, 'OPERATOR_REQUIRED');
      assert.deepEqual(apps.catalog.done, []);
    });
  }

  it('lists apps with their versions and workers', async () => {
    await using apps = await openApps({ versions: [testVersion('shop', { access: 'token' })] });
    const failing = { message: 'no such file', attempts: 3 };
    apps.pool.views = [
      {
        ...{ app: 'shop@1.0.0', kind: 'process', active: 1, idle: 2, creating: 3 },
        ...{ inFlight: 4, queued: 5, requests: 6, failing },
      },
    ];
    const shop = {
      ...{ name: 'shop', current: '1.0.0', url: '/apps/shop/', access: 'token', failing },
      workers: { active: 1, idle: 2, creating: 3 },
      versions: [
        {
          ...{ version: '1.0.0', current: true, deployed_at: '1970-01-01T00:00:00.000Z' },
          ...{ size_bytes: 10, file_count: 2 },
          workers: {
            ...{ active: 1, idle: 2, creating: 3, in_flight: 4, queued: 5, requests: 6, failing },
          },
        },
      ],
    };
    assert.deepEqual((await ask(apps, 'GET', '/api/v1/apps')).json(), { apps: [shop] });
    assert.deepEqual((await ask(apps, 'GET', '/api/v1/apps/shop')).json(), shop);
    assert.equal((await ask(apps, 'GET', '/api/v1/apps/none')).status, 404);
  });

  it('rolls back to the version before, or to a named one', async () => {
    await using apps = await openApps();
    const path = '/api/v1/apps/shop/rollback';
    assert.equal((await ask(apps, 'POST', path)).json()['name'], 'shop');
    const headers = { ...OPERATOR, 'content-type': 'application/json' };
    const send = (body: string) => ask(apps, 'POST', path, { headers, body });
    assert.equal((await send('{"version":"0.9.0"}')).status, 200);
    assert.deepEqual(apps.catalog.done, ['rollback shop undefined', 'rollback shop 0.9.0']);
    for (const body of ['{"version":1}', '{"versoin":"1"}', '[]', '"x"', '{"version":""}']) {
      assert.equal((await send(body)).status, 400, body);
    }
  });

  it('removes an app, or one version of it', async () => {
    await using apps = await openApps();
    assert.equal((await ask(apps, 'DELETE', '/api/v1/apps/shop')).status, 204);
    assert.equal((await ask(apps, 'DELETE', '/api/v1/apps/shop?version=1.0.0')).status, 204);
    assert.equal((await ask(apps, 'DELETE', '/api/v1/apps/shop?versoin=1.0.0')).status, 400);
    assert.equal((await ask(apps, 'DELETE', '/api/v1/apps/none')).status, 404);
    assert.deepEqual(apps.catalog.done, ['remove shop undefined', 'remove shop 1.0.0']);
  });
});

describe('a deployment', () => {
  it('streams the archive and answers what it became', async () => {
    await using apps = await openApps();
    const body = new Uint8Array(1000);
    const answer = await ask(apps, 'POST', '/api/v1/apps', { headers: ARCHIVE, body });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('location'), '/api/v1/apps/new');
    const { name, version, url, previous_version, size_bytes } = answer.json();
    assert.deepEqual(
      { name, version, url, previous_version, size_bytes },
      {
        name: 'new',
        version: '1.0.0',
        url: '/apps/new/',
        previous_version: null,
        size_bytes: 1000,
      },
    );
    const again = await ask(apps, 'POST', '/api/v1/apps', { headers: ARCHIVE, body });
    assert.equal(again.json()['previous_version'], '1.0.0');
  });

  it('that says to be too long is refused before it is sent', async () => {
    await using apps = await openApps();
    using client = await openRawClient(apps.port);
    const lines = ['POST /api/v1/apps HTTP/1.1', 'Host: a', 'Authorization: Bearer dev_operator'];
    lines.push('Content-Type: application/gzip', 'Content-Length: 1001', '', '');
    client.send(lines.join('\r\n'));
    assert.match(await client.receive('BODY_TOO_LARGE'), /^HTTP\/1.1 413 /);
  });

  it('that turns out too long is refused then', async () => {
    await using apps = await openApps();
    const request = http.request(`${apps.url}/api/v1/apps`, {
      ...{ method: 'POST', headers: ARCHIVE, agent: false },
    });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(900));
    request.write(Buffer.alloc(900));
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(answer.statusCode, 413);
    request.destroy();
  });

  for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
    it(`of ${type} is refused`, async () => {
      await using apps = await openApps();
      const headers = { ...OPERATOR, 'content-type': type };
      const answer = await ask(apps, 'POST', '/api/v1/apps', { headers, body: '{}' });
      assert.equal(answer.status, 415);
      assert.match(answer.text, /application\/gzip/);
    });
  }

  it('of nothing is refused', async () => {
    await using apps = await openApps();
    assert.equal((await ask(apps, 'POST', '/api/v1/apps', { headers: ARCHIVE })).status, 400);
  });

  it('that the catalogue refuses half way is answered', async () => {
    await using apps = await openApps({ maxUploadBytes: 1e7 });
    apps.catalog.onDeploy = async (archive) => {
      for await (const _chunk of archive) {
        throw new DroverError('invalid_argument', 'manifest: is missing', {
          reason: 'NO_MANIFEST',
        });
      }
      return testVersion('never');
    };
    const body = new Uint8Array(5e6);
    const answer = await ask(apps, 'POST', '/api/v1/apps', { headers: ARCHIVE, body });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /NO_MANIFEST/);
  });

  it('is told when its caller goes', async () => {
    await using apps = await openApps({ maxUploadBytes: 1e7 });
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    apps.catalog.onDeploy = async (archive, signal) => {
      signal.addEventListener('abort', () => ended.resolve(signal.reason));
      for await (const _chunk of archive) begun.resolve();
      return testVersion('never');
    };
    const request = http.request(`${apps.url}/api/v1/apps`, {
      ...{ method: 'POST', headers: ARCHIVE, agent: false },
    });
    request.on('error', () => undefined);
    request.write('some');
    await begun.promise;
    request.destroy();
    assert.ok((await ended.promise) instanceof DroverError);
  });

  it('that does not go on is cut, but not one that is slow', async () => {
    const clock = new FakeClock();
    await using apps = await openApps({ clock });
    const sizes: number[] = [];
    const more = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    apps.catalog.onDeploy = async (archive) => {
      for await (const chunk of archive) more[sizes.push(chunk.length) - 1]?.resolve();
      return testVersion('never');
    };
    const request = http.request(`${apps.url}/api/v1/apps`, {
      ...{ method: 'POST', headers: ARCHIVE, agent: false },
    });
    const failed = once(request, 'error');
    request.write('some');
    await more[0]?.promise;
    await clock.advance(50_000);
    request.write('more');
    await more[1]?.promise;
    await clock.advance(60_000);
    await failed;
    assert.deepEqual(sizes, [4, 4]);
  });
});

describe('the log of an app', () => {
  const line = (text: string): AppLogLine => ({
    ...{ at: 0, version: '1.0.0', stream: 'stdout', line: text },
  });

  it('is its last lines', async () => {
    await using apps = await openApps();
    apps.catalog.lines.push(line('a'), line('b\n'), line('c'));
    const answer = await ask(apps, 'GET', '/api/v1/apps/shop/logs?lines=2');
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
    const lines = answer.text.trim().split('\n');
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      ...{ at: '1970-01-01T00:00:00.000Z', version: '1.0.0', stream: 'stdout', line: 'b\n' },
    });
    assert.equal(lines.length, 2);
  });

  for (const query of ['lines=-1', 'lines=10001', 'lines=x', 'follow=yes', 'folow=true']) {
    it(`is not shown for ${query}`, async () => {
      await using apps = await openApps();
      assert.equal((await ask(apps, 'GET', `/api/v1/apps/shop/logs?${query}`)).status, 400);
    });
  }

  async function follow(apps: AppsFixture) {
    const client = await openRawClient(apps.port);
    const authorization = 'Authorization: Bearer dev_operator';
    const path = '/api/v1/apps/shop/logs?follow=true';
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${authorization}\r\n\r\n`);
    await client.receive('chunked\r\n\r\n');
    return client;
  }

  it('is followed, with a sign of life, until the caller goes', async () => {
    const clock = new FakeClock();
    await using apps = await openApps({ clock });
    apps.catalog.lines.push(line('past'));
    using client = await follow(apps);
    await client.receive('past');
    apps.catalog.say(line('news'));
    await client.receive('news"}\n');
    await clock.advance(15_000);
    await client.receive('news"}\n\r\n1\r\n\n\r\n');
    apps.catalog.say(line('more'));
    await client.receive('more');
    client.socket.destroy();
    await until(() => (apps.catalog.followers === 0 ? true : undefined), 'nobody to follow');
  });

  it('is followed until the server drains', async () => {
    await using apps = await openApps();
    using client = await follow(apps);
    await apps.listener.drain();
    assert.match(await client.closed(), /\r\n0\r\n\r\n$/);
    assert.equal(apps.catalog.followers, 0);
  });
});

describe('the description of the API', () => {
  it('names exactly the routes that there are, and every reference leads somewhere', async () => {
    const registered = new Set<string>();
    await using apps = await openApps({ onRoute: (route) => registered.add(route) });
    const answer = await ask(apps, 'GET', '/api/v1/apps/openapi.json', { headers: {} });
    const document = answer.json() as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, unknown> };
    };
    assert.match(document.openapi, /^3\.1\./);
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(described.toSorted(), [...registered].toSorted());
    for (const [, name = ''] of answer.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(document.components.schemas[name], name);
    }
  });
});
