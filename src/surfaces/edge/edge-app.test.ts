import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import { principalToLogId } from '#access/principal.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DroverError, ERROR_KINDS, invalidArgument } from '#kernel/errors.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { principalOf, registerAuthentication } from './authenticate.ts';
import { createEdgeApp } from './edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from './edge-limits.ts';
import { HTTP_STATUS, type ErrorBody } from './http-errors.ts';
import { registerHealthRoute } from './health-route.ts';
import { HealthChecks } from './health-checks.ts';
import { registerMetricsRoute } from './metrics-route.ts';

function setUp(build: (app: FastifyInstance) => void = () => {}) {
  const logged = createLogCapture();
  const metrics = new MetricsRegistry();
  const clock = new FakeClock();
  const app = createEdgeApp({
    log: logged.log,
    clock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
    metrics,
  });
  build(app);
  return { app, logged, metrics, clock };
}

/** The access log's records: one for each request that was answered. */
function requestsIn(records: Record<string, unknown>[]) {
  return records.filter(({ msg }) => msg === 'request');
}

describe('a failure over REST', () => {
  for (const kind of ERROR_KINDS) {
    it(`of kind ${kind} answers ${HTTP_STATUS[kind]} with its reason`, async () => {
      const { app } = setUp((routes) => {
        routes.get('/x', () => {
          throw new DroverError(kind, 'what is wrong', {
            reason: 'WHY',
            metadata: { limit: '3' },
            context: { hidden: 'in the log only' },
          });
        });
      });
      const answer = await app.inject({ url: '/x', headers: { 'x-request-id': 'r-1' } });
      assert.equal(answer.statusCode, HTTP_STATUS[kind]);
      assert.deepEqual(answer.json(), {
        code: kind === 'cancelled' ? 'canceled' : kind,
        message: 'what is wrong',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'WHY',
            domain: 'metald.unkey.com',
            metadata: { limit: '3' },
          },
        ],
        request_id: 'r-1',
      });
    });
  }

  it('that nobody foresaw tells the caller nothing and the log everything', async () => {
    const { app, logged } = setUp((routes) => {
      routes.get('/x', () => {
        throw new Error('cannot open /srv/drover.db', { cause: new Error('disk is gone') });
      });
    });
    const answer = await app.inject('/x');
    assert.equal(answer.statusCode, 500);
    assert.doesNotMatch(answer.body, /drover\.db|disk/);
    assert.match(logged.text(), /cannot open \/srv\/drover\.db.*disk is gone/);
  });

  it('names when to try again, where it is known', async () => {
    const { app } = setUp((routes) => {
      routes.get('/x', () => {
        throw new DroverError('resource_exhausted', 'too many', {
          metadata: { retry_after_seconds: '7' },
        });
      });
    });
    assert.equal((await app.inject('/x')).headers['retry-after'], '7');
  });

  const malformed = [
    { what: 'JSON cut short', type: 'application/json', body: '{"a":', reason: 'MALFORMED_JSON' },
    { what: 'no body', type: 'application/json', body: '', reason: 'MALFORMED_JSON' },
    {
      what: 'JSON that reaches for a prototype',
      type: 'application/json',
      body: '{"__proto__":{"a":1}}',
      reason: 'MALFORMED_JSON',
    },
  ];
  for (const { what, type, body, reason } of malformed) {
    it(`for ${what} is 400 ${reason}`, async () => {
      const { app } = setUp((routes) => routes.post('/x', async () => 'never'));
      const headers = { 'content-type': type };
      const answer = await app.inject({ method: 'POST', url: '/x', headers, payload: body });
      assert.equal(answer.statusCode, 400);
      assert.equal(answer.json<ErrorBody>().details[0]?.reason, reason);
    });
  }

  it('for a content type nobody reads is 415', async () => {
    const { app } = setUp((routes) => routes.post('/x', async () => 'never'));
    const headers = { 'content-type': 'application/xml' };
    const answer = await app.inject({ method: 'POST', url: '/x', headers, payload: '<a/>' });
    assert.equal(answer.statusCode, 415);
    assert.equal(answer.json<ErrorBody>().details[0]?.reason, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it('for an unknown path is 404 and names the nearest one', async () => {
    const { app } = setUp((routes) => routes.get('/v1/vms', async () => []));
    const answer = await app.inject('/v1/vmz');
    assert.equal(answer.statusCode, 404);
    assert.match(answer.body, /the nearest is \/v1\/vms.*\/openapi\.json/);
  });

  it('for the wrong method is 405 and names the right ones', async () => {
    const { app } = setUp((routes) => {
      routes.get('/v1/vms/:id', async () => 'one');
      routes.delete('/v1/vms/:id', async () => 'gone');
    });
    const answer = await app.inject({ method: 'PUT', url: '/v1/vms/vm_1' });
    assert.equal(answer.statusCode, 405);
    assert.equal(answer.headers.allow, 'DELETE, GET, HEAD');
    assert.equal((await app.inject({ method: 'PUT', url: '/v1/vms' })).statusCode, 404);
  });

  it('for a URL that is not validly encoded is 400', async () => {
    const { app } = setUp((routes) => routes.get('/v1/:id', async () => 'one'));
    const answer = await app.inject('/v1/%zz');
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.json<ErrorBody>().details[0]?.reason, 'BAD_URL');
  });
});

describe('a request id', () => {
  const build = (app: FastifyInstance) => void app.get('/x', async (request) => request.id);

  it('that is sane is kept, answered and logged', async () => {
    const { app, logged } = setUp(build);
    const answer = await app.inject({ url: '/x', headers: { 'x-request-id': 'Trace_1.a-b' } });
    assert.equal(answer.headers['x-request-id'], 'Trace_1.a-b');
    assert.equal(answer.body, 'Trace_1.a-b');
    assert.equal(requestsIn(logged.records())[0]?.['request_id'], 'Trace_1.a-b');
  });

  for (const id of ['', 'x'.repeat(65), 'a b', 'a"b', '<script>']) {
    it(`like ${JSON.stringify(id.slice(0, 10))} is replaced`, async () => {
      const { app } = setUp(build);
      const answer = await app.inject({ url: '/x', headers: { 'x-request-id': id } });
      assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{16}$/);
    });
  }
});

describe('the access log', () => {
  it('has one line for each request, with the route and not the ids in it', async () => {
    const { app, logged, metrics } = setUp((routes) => {
      routes.get('/v1/vms/:id', async () => ({ ok: true }));
    });
    await app.inject('/v1/vms/vm_1?page_token=abc');
    const [line] = requestsIn(logged.records());
    assert.ok(line);
    const { method, route, path, status, bytes, protocol, remote, level } = line;
    assert.deepEqual(
      { method, route, path, status, bytes, protocol, remote, level },
      {
        method: 'GET',
        route: '/v1/vms/:id',
        path: '/v1/vms/vm_1?page_token=abc',
        status: 200,
        bytes: 11,
        protocol: 'HTTP/1.1',
        remote: '127.0.0.1',
        level: 'info',
      },
    );
    assert.match(
      metrics.expose(),
      /seconds_count\{route="\/v1\/vms\/:id",method="GET",code="200"\} 1\n/,
    );
  });

  it('is at the level of the status, and quiet about health and metrics', async () => {
    const health = new HealthChecks({
      clock: new FakeClock(),
      version: '1',
      backendType: 'fake',
      backendCheck: 'ping',
      checks: [{ name: 'ping', isCritical: true, run: async () => {} }],
    });
    const { app, logged } = setUp((routes) => {
      registerHealthRoute(routes, health);
      registerMetricsRoute(routes, new MetricsRegistry());
      routes.get('/bad', () => {
        throw invalidArgument('a', 'must be b');
      });
      routes.get('/broken', () => {
        throw new Error('broken');
      });
    });
    for (const url of ['/health', '/metrics', '/bad', '/broken']) await app.inject(url);
    const levels = requestsIn(logged.records()).map(({ route, level }) => [route, level]);
    assert.deepEqual(levels, [
      ['/health', 'debug'],
      ['/metrics', 'debug'],
      ['/bad', 'warn'],
      ['/broken', 'error'],
    ]);
  });

  it('never holds a secret', async () => {
    const { app, logged } = setUp((routes) => {
      registerAuthentication(routes, new Authenticator({ devMode: false }));
      routes.get('/x', { config: { public: true } }, async (request, reply) => {
        request.log.info({ headers: request.headers, token: 'hunter2' }, 'a careless line');
        void reply.header('set-cookie', 'session=hunter2');
        throw new DroverError('internal', 'wrong', {
          context: { password: 'hunter2', url: 'postgres://drover:hunter2@db/drover' },
          cause: new Error('refused: Authorization: Bearer hunter2'),
        });
      });
      routes.get('/private', async () => 'never');
    });
    const headers = {
      authorization: 'Bearer hunter2',
      cookie: 'session=hunter2',
      'x-api-key': 'hunter2',
    };
    const query = 'password=hunter2&token=hunter2&api_key=hunter2&client%5Fsecret=hunter2';
    await app.inject({ url: `/x?${query}&q=visible`, headers });
    await app.inject({ url: `/private?${query}`, headers });
    assert.doesNotMatch(logged.text(), /hunter2/);
    assert.match(logged.text(), /q=visible/);
    assert.match(logged.text(), /a careless line/);
  });
});

describe('authentication of REST routes', () => {
  function setUpRoutes() {
    return setUp((app) => {
      registerAuthentication(app, new Authenticator({ devMode: true }));
      app.get('/mine', async (request) => principalToLogId(principalOf(request)));
      app.post('/mine', async (request) => principalToLogId(principalOf(request)));
      app.get('/open', { config: { public: true } }, async (request) => request.principal);
    });
  }

  it('lets in who shows a token, and logs who it was', async () => {
    const { app, logged } = setUpRoutes();
    const headers = { authorization: 'Bearer dev_customer_acme' };
    assert.equal((await app.inject({ url: '/mine', headers })).body, 'customer:acme');
    const posted = await app.inject({ method: 'POST', url: '/mine', headers, payload: { a: 1 } });
    assert.equal(posted.body, 'customer:acme');
    assert.equal(requestsIn(logged.records())[0]?.['principal'], 'customer:acme');
  });

  it('answers 401 with what to send to who shows none', async () => {
    const { app } = setUpRoutes();
    const missing = await app.inject('/mine');
    assert.equal(missing.statusCode, 401);
    assert.equal(missing.headers['www-authenticate'], 'Bearer');
    assert.match(missing.body, /MISSING_TOKEN/);
    const wrong = await app.inject({ url: '/mine', headers: { authorization: 'Bearer x' } });
    assert.equal(wrong.statusCode, 401);
    assert.equal(wrong.headers['www-authenticate'], 'Bearer error="invalid_token"');
  });

  it('is not asked of public routes, nor of paths that do not exist', async () => {
    const { app } = setUpRoutes();
    assert.equal((await app.inject('/open')).statusCode, 200);
    assert.equal((await app.inject('/nowhere')).statusCode, 404);
  });
});
