import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DESTINATION_FIELDS } from '#transfers/parse-destination.ts';
import { FORMER_JOB_FIELDS, JOB_FIELDS, parseMigration } from '#transfers/parse-migration.ts';
import { OPTION_FIELDS } from '#transfers/parse-options.ts';
import { SOURCE_FIELDS } from '#transfers/parse-source.ts';
import { specToJson } from './jobs/definition-to-json.ts';
import { Authenticator } from '#access/authenticator.ts';
import { FakeMigration, injectMigration } from '#test/migration-fixture.ts';
import { formatGoDuration } from './status/go-duration.ts';

const NOW = '2026-01-17T10:30:00.000Z';

describe('GET /status', () => {
  it('counts the jobs and the workers there truly are', async () => {
    const { call, fake } = injectMigration();
    for (const state of ['running', 'running', 'completed', 'failed', 'pending'] as const) {
      fake.jobs.add({}, { state });
    }
    await fake.clock.advance(3_723_400);
    const { status, json } = await call('GET', '/status');
    assert.equal(status, 200);
    assert.deepEqual(json, {
      ...{ total_jobs: 5, running_jobs: 2, completed_jobs: 1, failed_jobs: 1 },
      ...{ cancelled_jobs: 0, pending_jobs: 1, worker_count: 10, active_workers: 3 },
      ...{ version: '1.2.3', uptime: '1h2m3.4s', timestamp: '2026-01-17T11:32:03.400Z' },
    });
  });

  it('tells lengths of time as Go does', () => {
    const told = [0, 400, 59_999, 60_000, 3_600_000, 90_061_000].map(formatGoDuration);
    assert.deepEqual(told, ['0s', '0.4s', '59.999s', '1m0s', '1h0m0s', '25h1m1s']);
  });
});

describe('GET /capabilities', () => {
  it('is what the installation says of itself', async () => {
    const { call } = injectMigration();
    const { json } = await call('GET', '/capabilities');
    assert.deepEqual(json, { capabilities: {}, default_method: 'nfc', timestamp: NOW });
  });
});

describe('the surface alone', () => {
  it('answers its documented health, and everything else in its own form', async () => {
    const { call } = injectMigration({ isAlone: true });
    assert.deepEqual((await call('GET', '/health')).json, { status: 'ok' });
    const { status, json } = await call('GET', '/nowhere');
    assert.equal(status, 404);
    assert.match(String(json['error']), /^there is nothing at this path/);
    assert.equal(json['timestamp'], NOW);
  });

  it('leaves the health and the errors of others to them on a shared listener', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('GET', '/health');
    assert.equal(status, 404);
    assert.equal(json['error'], undefined);
  });
});

describe('who may use it', () => {
  const closed = () =>
    injectMigration({
      parts: {
        access: { authenticator: new Authenticator({ devMode: true }), anonymous: undefined },
      },
    });

  it('is an operator with a token, where one is needed', async () => {
    const { app, call } = closed();
    const { status, json } = await call('GET', '/jobs/query');
    assert.equal(status, 401);
    assert.match(String(json['error']), /^authorization header is missing/);
    for (const [token, expected] of [
      ['dev_customer_acme', 403],
      ['dev_operator', 200],
    ] as const) {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await app.inject({ url: '/jobs/query', headers });
      assert.equal(answer.statusCode, expected);
    }
  });

  it('is nobody with a page of another origin, where no token is needed', async () => {
    const { app, fake } = injectMigration();
    const send = async (headers: Record<string, string>) => {
      const own = { 'content-type': 'application/json', host: 'localhost:8080', ...headers };
      const body = { vm_path: 'DC0/vm/a', destination: { type: 'kvm' } };
      return await app.inject({
        ...{ method: 'POST', url: '/jobs/submit', headers: own },
        payload: JSON.stringify(body),
      });
    };
    const foreign = await send({ origin: 'http://evil.test' });
    assert.equal(foreign.statusCode, 403);
    assert.match(foreign.json<{ error: string }>().error, /^a page of another origin/);
    assert.equal(fake.jobs.all.size, 0);
    assert.equal((await send({ origin: 'http://localhost:8080' })).statusCode, 201);
  });
});

describe('a failure', () => {
  it('that nobody foresaw is 500 and tells nothing', async () => {
    const { call, fake, logged } = injectMigration();
    fake.jobs.failure = new Error('cannot open drover.db');
    const { status, json } = await call('GET', '/status');
    assert.equal(status, 500);
    assert.match(String(json['error']), /^an internal error occurred/);
    assert.match(logged.text(), /cannot open drover\.db/);
  });

  it('of the body has the status that it has in HTTP', async () => {
    const { app } = injectMigration();
    const send = async (type: string, payload: string, url = '/jobs/submit') =>
      await app.inject({
        ...{ method: 'POST', url, payload, headers: { 'content-type': type } },
      });
    const bodies = [
      await send('application/json', '{"vm_path":'),
      await send('application/json', `"${'x'.repeat(5 * 1024 * 1024)}"`),
      await send('text/plain', 'url: x', '/webhooks'),
    ];
    assert.deepEqual(
      bodies.map(({ statusCode }) => statusCode),
      [400, 413, 415],
    );
    for (const body of bodies) assert.equal(typeof body.json<{ error: unknown }>().error, 'string');
  });
});

describe('the metrics', () => {
  it('have the documented names, and routes as patterns', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add({}, { state: 'running' });
    await call('GET', '/status');
    await call('GET', `/jobs/${id}`);
    await call('GET', '/jobs/nobody');
    await call('GET', '/jobs/nobody/nowhere');
    await fake.parts().metrics.refresh();
    const text = fake.registry.expose();
    const lines = [
      'hypersdk_api_requests_total{method="GET",path="/status",status="OK"} 1',
      'hypersdk_api_requests_total{method="GET",path="/jobs/{id}",status="OK"} 1',
      'hypersdk_api_requests_total{method="GET",path="/jobs/{id}",status="Not Found"} 1',
      'hypersdk_api_request_duration_seconds_bucket{method="GET",path="/status",le="0.1"} 1',
      'hypersdk_jobs_total{status="running"} 1',
      'hypersdk_jobs_total{status="completed"} 0',
      'hypersdk_workers_active 3',
      'hypersdk_build_info{version="1.2.3"} 1',
    ];
    for (const line of lines) assert.ok(text.includes(`${line}\n`), line);
    assert.doesNotMatch(text, /nobody|nowhere/);
    assert.equal(text.match(/^hypersdk_api_requests_total/gm)?.length, 3);
  });
});

describe('the OpenAPI document', () => {
  it('has every route, and no other', async () => {
    const routes = new Set<string>();
    const { call } = injectMigration({
      fake: new FakeMigration(),
      before(app) {
        app.addHook('onRoute', ({ method, url }) => {
          for (const each of [method].flat()) {
            if (each !== 'HEAD') routes.add(`${each} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
          }
        });
      },
    });
    const { json, headers } = await call('GET', '/api/v1/migration/openapi.json');
    assert.equal(headers['cache-control'], 'no-cache');
    const paths = json['paths'] as Record<string, Record<string, object>>;
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(documented.toSorted(), [...routes].toSorted());
  });

  it('describes every field of a job that is read, and shown', async () => {
    const { call } = injectMigration();
    const { json } = await call('GET', '/api/v1/migration/openapi.json');
    type Schema = { readonly properties: Readonly<Record<string, Schema>> };
    const { schemas } = json['components'] as { readonly schemas: Record<string, Schema> };
    const described = (...path: readonly string[]) => {
      const at = path.reduce((schema, name) => schema?.properties[name], schemas['JobRequest']);
      return Object.keys(at?.properties ?? {}).toSorted();
    };
    assert.deepEqual(described(), [...JOB_FIELDS, ...FORMER_JOB_FIELDS].toSorted());
    assert.deepEqual(described('source'), SOURCE_FIELDS.toSorted());
    assert.deepEqual(described('vcenter'), SOURCE_FIELDS.toSorted());
    assert.deepEqual(described('destination'), DESTINATION_FIELDS.toSorted());
    assert.deepEqual(described('options'), OPTION_FIELDS.toSorted());
    const { kind, spec } = parseMigration({ vm_path: 'a', destination: { type: 'kvm' } });
    const { options } = specToJson({ kind, spec });
    for (const name of Object.keys(options ?? {})) assert.ok(OPTION_FIELDS.includes(name), name);
  });

  it('refers to nothing that is not in it', async () => {
    const { call } = injectMigration();
    const { json } = await call('GET', '/api/v1/migration/openapi.json');
    const { schemas } = json['components'] as { readonly schemas: object };
    const names = [...JSON.stringify(json).matchAll(/#\/components\/schemas\/(\w+)/g)];
    const used = new Set(names.map(([, name]) => name));
    assert.deepEqual(used, new Set(Object.keys(schemas)));
  });
});
