import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { ANYBODY, FakePool, fakeWorker } from '#test/pool-metrics-fixture.ts';
import { OPENAPI_PATH } from './paths.ts';
import { registerPoolMetricsRoutes } from './routes.ts';
import { STATS_MAX_AGE_MS } from './stats-route.ts';

type Json = Record<string, unknown>;

const NOW = Date.UTC(2024, 0, 23, 10, 30);
const DAY_MS = 86_400_000;
const POOL = { size: 500, active: 12, idle: 3, creating: 0, total: 15, utilization: 0.024 };

/** Every path there is, and what it answers. */
const ANSWERS = {
  metrics: ['/metrics/api/metrics', '/metrics/api', '/metrics/admin'],
  prometheus: ['/metrics/api/metrics/prometheus', '/metrics/api/prometheus', '/metrics/prometheus'],
  stats: ['/metrics/api/metrics/stats', '/metrics/api/stats', '/metrics/admin/stats'],
  sse: ['/metrics/api/metrics/sse', '/metrics/api/sse', '/metrics/admin/sse'],
};
const TYPES = {
  metrics: 'application/json; charset=utf-8',
  prometheus: 'text/plain; charset=utf-8',
  stats: 'application/json; charset=utf-8',
  sse: 'text/event-stream',
};

function setUp({ isOpen = true } = {}) {
  const pool = new FakePool();
  pool.views = [fakeWorker()];
  const clock = new FakeClock(NOW);
  const app = createEdgeApp({
    log: createLogCapture().log,
    clock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  const routes: { readonly method: string; readonly url: string }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });
  const anonymous = isOpen ? ANYBODY : undefined;
  registerAuthentication(app, new Authenticator({ devMode: true }), { anonymous });
  registerPoolMetricsRoutes(app, {
    ...{ pool, clock, version: '1.2.3', sseIntervalMs: 1000 },
    startedMs: clock.monotonicMs() - DAY_MS - 999,
  });
  const get = async (url: string, token?: string) =>
    await app.inject({
      url,
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    });
  return { app, pool, clock, routes, get };
}

describe('every path of the surface', () => {
  for (const [endpoint, paths] of Object.entries(ANSWERS)) {
    const type = TYPES[endpoint as keyof typeof TYPES];
    for (const path of paths.flatMap((each) => [each, `${each}/`])) {
      it(`${path} answers HEAD as ${type}`, async () => {
        const { app } = setUp();
        const answer = await app.inject({ method: 'HEAD', url: path });
        assert.equal(answer.statusCode, 200);
        assert.equal(answer.headers['content-type'], type);
        assert.equal(answer.body, '');
      });

      // Streams have no end to wait for here; they are tested on a listener.
      if (endpoint === 'sse') continue;
      it(`${path} answers as the documented path does`, async () => {
        const { get } = setUp();
        const [answer, documented] = [await get(path), await get(paths[0] ?? '')];
        assert.equal(answer.statusCode, 200);
        assert.equal(answer.body, documented.body);
        assert.equal(answer.headers['content-type'], type);
        assert.equal(answer.headers['cache-control'], 'no-store');
      });
    }
  }

  it('answers no method but GET and HEAD', async () => {
    const { app } = setUp();
    for (const url of Object.values(ANSWERS).flat()) {
      const answer = await app.inject({ method: 'POST', url });
      assert.equal(answer.statusCode, 405, url);
      assert.equal(answer.headers.allow, 'GET, HEAD', url);
    }
  });

  it('is not disturbed by parameters that clients add on their own', async () => {
    const { get } = setUp();
    assert.equal((await get('/metrics/api/metrics/?_=1700000000')).statusCode, 200);
  });

  it('has beside it a 404 that says what there is', async () => {
    const { get } = setUp();
    for (const url of ['/metrics/api/workers', '/metrics/api/metrics/x/y', '/metrics/admin/x']) {
      const answer = await get(url);
      assert.equal(answer.statusCode, 404, url);
      assert.match(
        answer.json<{ message: string }>().message,
        /\/metrics\/api\/metrics, .*prometheus, .*sse, .*stats, .*openapi\.json$/,
      );
    }
    assert.match((await get('/metrics/prometeus')).body, /the nearest is \/metrics\/prometheus/);
  });
});

describe('GET /metrics/api/metrics', () => {
  it('answers the documented object, its fields in the documented order', async () => {
    const { get } = setUp();
    assert.equal(
      (await get('/metrics/api/metrics/')).body,
      JSON.stringify({ pool: POOL, uptime: 86400, timestamp: '2024-01-23T10:30:00.000Z' }),
    );
  });

  it('does not round, and does not divide by a size of 0', async () => {
    const { get, pool } = setUp();
    pool.numbers = { size: 3, active: 1, idle: 0, creating: 1, total: 2 };
    const utilization = async () =>
      (await get('/metrics/api/metrics')).json<{ pool: typeof POOL }>().pool.utilization;
    assert.equal(await utilization(), 1 / 3);
    pool.numbers = { size: 0, active: 0, idle: 0, creating: 0, total: 0 };
    assert.equal(await utilization(), 0);
  });
});

describe('GET /metrics/api/metrics/prometheus', () => {
  it('answers the documented text, byte by byte', async () => {
    const { get } = setUp();
    assert.equal(
      (await get('/metrics/api/metrics/prometheus')).body,
      `# HELP buntime_pool_size Maximum pool size
# TYPE buntime_pool_size gauge
buntime_pool_size 500

# HELP buntime_pool_active Active workers
# TYPE buntime_pool_active gauge
buntime_pool_active 12

# HELP buntime_pool_idle Idle workers
# TYPE buntime_pool_idle gauge
buntime_pool_idle 3

# HELP buntime_pool_creating Workers being created
# TYPE buntime_pool_creating gauge
buntime_pool_creating 0

# HELP buntime_pool_total Total workers
# TYPE buntime_pool_total gauge
buntime_pool_total 15

# HELP buntime_pool_utilization Pool utilization ratio
# TYPE buntime_pool_utilization gauge
buntime_pool_utilization 0.024

# HELP buntime_uptime_seconds Server uptime in seconds
# TYPE buntime_uptime_seconds counter
buntime_uptime_seconds 86400
`,
    );
  });
});

describe('GET /metrics/api/metrics/stats', () => {
  const stats = async ({ get }: ReturnType<typeof setUp>) =>
    (await get('/metrics/api/metrics/stats')).json<{ workers: Json[] }>();

  it('answers the pool and each worker, the documented fields first', async () => {
    const { get } = setUp();
    assert.equal(
      (await get('/metrics/api/metrics/stats')).body,
      JSON.stringify({
        pool: POOL,
        workers: [
          {
            id: 'worker-abc-123',
            app: 'my-app@1.2.0',
            state: 'active',
            requests: 1542,
            uptime: 3600,
            memory: { rss: 52428800, heapUsed: 31457280, source: 'process', age: 0.412 },
            kind: 'process',
            pid: 4711,
            inFlight: 2,
            draining: false,
            utilization: 0.25,
            endReason: null,
          },
        ],
      }),
    );
  });

  it('shows a worker that is being created with a memory of 0, as documented', async () => {
    const fixture = setUp();
    fixture.pool.views = [
      fakeWorker({ state: 'creating', memory: undefined, pid: undefined, utilization: undefined }),
    ];
    const [worker] = (await stats(fixture)).workers;
    assert.deepEqual(worker?.['memory'], { rss: 0, heapUsed: 0, source: null, age: null });
    assert.equal(worker?.['pid'], null);
    assert.equal(worker?.['utilization'], null);
  });

  it('shows why a worker ended, and what of its memory is a share', async () => {
    const fixture = setUp();
    fixture.pool.views = [
      fakeWorker({
        ...{ kind: 'thread', state: 'terminated', endReason: 'max-memory', isDraining: true },
        memory: { rssBytes: 8, heapUsedBytes: 4, source: 'share', ageMs: 2000.4 },
      }),
    ];
    const [worker] = (await stats(fixture)).workers;
    assert.equal(worker?.['endReason'], 'max-memory');
    assert.equal(worker?.['draining'], true);
    assert.deepEqual(worker?.['memory'], { rss: 8, heapUsed: 4, source: 'share', age: 2 });
  });

  it('is written once for all who ask within 20 ms, and never older', async () => {
    const fixture = setUp();
    await stats(fixture);
    fixture.pool.views = [];
    await fixture.clock.advance(STATS_MAX_AGE_MS - 1);
    assert.equal((await stats(fixture)).workers.length, 1);
    await fixture.clock.advance(1);
    assert.equal((await stats(fixture)).workers.length, 0);
  });
});

describe('access', () => {
  const paths = Object.values(ANSWERS).flat();

  it('needs no token where the server is open', async () => {
    const { get } = setUp();
    assert.equal((await get('/metrics/api/metrics')).statusCode, 200);
  });

  it('needs a token elsewhere, on every path', async () => {
    const { get } = setUp({ isOpen: false });
    for (const path of paths) assert.equal((await get(path)).statusCode, 401, path);
  });

  it('is for operators: the pool belongs to the platform', async () => {
    const { get } = setUp({ isOpen: false });
    for (const path of paths) {
      const refused = await get(path, 'dev_customer_acme');
      assert.equal(refused.statusCode, 403, path);
      assert.match(refused.body, /OPERATOR_REQUIRED/);
    }
    assert.equal((await get('/metrics/api/metrics', 'dev_operator')).statusCode, 200);
  });

  it('lets everybody read the description', async () => {
    const { get } = setUp({ isOpen: false });
    assert.equal((await get(OPENAPI_PATH)).statusCode, 200);
  });
});

describe('the OpenAPI document', () => {
  it('names every route, and none that is not there', async () => {
    const { get, routes } = setUp();
    const { paths } = (await get(OPENAPI_PATH)).json<{ paths: Record<string, Json> }>();
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = routes
      .filter(({ method, url }) => method !== 'HEAD' && !url.endsWith('*'))
      .map(({ method, url }) => `${method} ${url}`);
    assert.deepEqual(described.toSorted(), registered.toSorted());
  });

  it('is whole: every reference leads somewhere, and every schema is used', async () => {
    const { get } = setUp();
    const { body } = await get(OPENAPI_PATH);
    const named = [...body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name = '']) => name,
    );
    const { components } = JSON.parse(body) as { components: { schemas: Json } };
    assert.deepEqual([...new Set(named)].toSorted(), Object.keys(components.schemas).toSorted());
  });

  it('names every field of the answers', async () => {
    const { get } = setUp();
    const document = (await get(OPENAPI_PATH)).json<{
      components: { schemas: Record<string, { required: string[] }> };
    }>();
    const fieldsOf = (name: string) => document.components.schemas[name]?.required;
    const metrics = (await get('/metrics/api/metrics')).json<Json>();
    assert.deepEqual(fieldsOf('Metrics'), Object.keys(metrics));
    const { pool, workers } = (await get('/metrics/api/stats')).json<{
      pool: Json;
      workers: { memory: Json }[];
    }>();
    assert.deepEqual(fieldsOf('Stats'), ['pool', 'workers']);
    assert.deepEqual(fieldsOf('Pool'), Object.keys(pool));
    assert.deepEqual(fieldsOf('Worker'), Object.keys(workers[0] ?? {}));
    assert.deepEqual(fieldsOf('Memory'), Object.keys(workers[0]?.memory ?? {}));
  });
});
