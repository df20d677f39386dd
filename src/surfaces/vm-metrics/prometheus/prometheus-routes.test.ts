import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { untilAborted } from '#kernel/abort.ts';
import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { MetricReader } from '#metrics/metric-reader.ts';
import { createPromql, type PromqlLimits } from '#metrics/promql/promql.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { MemoryMetricReader } from '#test/memory-metric-reader.ts';
import { registerPrometheusRoutes } from './prometheus-routes.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const POINTS = Array.from({ length: 13 }, (_, at) => [NOW - 120_000 + at * 10_000, at] as const);

const SERIES = [
  { name: 'load', labels: { instance: 'h' }, points: POINTS },
  { name: 'vm_cpu', labels: { customer_id: 'acme', vm: '1' }, points: POINTS },
  { name: 'vm_cpu', labels: { customer_id: 'other', vm: '2' }, points: POINTS },
  { name: 'vm_secret', labels: { customer_id: 'other', vm: '2', plan: 'x' }, points: POINTS },
];
const METADATA = [
  { name: 'load', kind: 'gauge', help: 'The load.' },
  { name: 'vm_cpu', kind: 'counter', help: 'Time on processors.' },
  { name: 'vm_secret', kind: 'untyped', help: 'Not for all.' },
] as const;

const OPERATOR = { authorization: 'Bearer dev_operator' };
const ACME = { authorization: 'Bearer dev_customer_acme' };

function setUp(given: { reader?: MetricReader; limits?: Partial<PromqlLimits> } = {}) {
  const reader = given.reader ?? new MemoryMetricReader(SERIES, METADATA);
  const clock = new FakeClock(NOW);
  const app = createEdgeApp({
    log: createLogCapture().log,
    clock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  const promql = createPromql({ reader, clock, limits: given.limits ?? {} });
  registerPrometheusRoutes(app, { promql, reader, clock, version: '1.2.3' });
  const get = async (path: string, headers: Record<string, string> = OPERATOR) => {
    const answer = await app.inject({ url: `/api/v1/${path}`, headers });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  const post = async (
    path: string,
    payload: string,
    type = 'application/x-www-form-urlencoded',
  ) => {
    const headers = { ...OPERATOR, 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: `/api/v1/${path}`, headers, payload });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return { app, get, post };
}

describe('the query API of Prometheus', () => {
  it('answers a query with a vector, a scalar or a string, at the time asked for', async () => {
    const { get } = setUp();
    assert.deepEqual(await get('query?query=load'), {
      status: 200,
      body: {
        status: 'success',
        data: {
          resultType: 'vector',
          result: [{ metric: { __name__: 'load', instance: 'h' }, value: [NOW / 1000, '12'] }],
        },
      },
    });
    const data = async (query: string) => (await get(`query?${query}`)).body['data'];
    const time = NOW / 1000 - 60;
    const scalar = { resultType: 'scalar', result: [time, '+Inf'] };
    assert.deepEqual(await data(`query=1/0&time=${time}`), scalar);
    assert.deepEqual(await data(`query=1/0&time=2026-01-01T12:59:00%2B01:00`), scalar);
    const text = { resultType: 'string', result: [NOW / 1000, 'a "b"'] };
    assert.deepEqual(await data(`query='a "b"'`), text);
    assert.deepEqual(await data('query=-1/0 < bool NaN'), {
      resultType: 'scalar',
      result: [NOW / 1000, '0'],
    });
  });

  it('answers a range with a matrix', async () => {
    const { get } = setUp();
    const times = `start=${NOW / 1000 - 20}&end=${NOW / 1000}&step=10s`;
    const { body } = await get(`query_range?query=load*2&${times}`);
    assert.deepEqual(body['data'], {
      resultType: 'matrix',
      result: [
        {
          metric: { instance: 'h' },
          values: [
            [NOW / 1000 - 20, '20'],
            [NOW / 1000 - 10, '22'],
            [NOW / 1000, '24'],
          ],
        },
      ],
    });
  });

  it('takes forms as well, with or without a part in the query string', async () => {
    const { get, post } = setUp();
    const expected = await get('query?query=sum(vm_cpu)');
    assert.equal(expected.status, 200);
    assert.deepEqual(await post('query', 'query=sum(vm_cpu)'), expected);
    assert.deepEqual(await post(`query?time=${NOW / 1000}`, 'query=sum%28vm_cpu%29'), expected);
    const found = await post('series', 'match[]=load&match%5B%5D=vm_cpu');
    assert.equal((found.body['data'] as unknown[]).length, 3);
    assert.equal((await post('labels', '')).status, 200);
  });

  it('answers forms on a real connection, and stops when the caller goes', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const reader = new MemoryMetricReader(SERIES);
    const slow: MetricReader = {
      select: async (selection, signal) => {
        if (selection.matchers.some(({ value }) => value !== 'slow')) {
          return await reader.select(selection, signal);
        }
        signal.addEventListener('abort', () => aborted.resolve(signal.reason));
        waiting.resolve();
        return await untilAborted(new Promise<never>(() => undefined), signal);
      },
      series: (filter) => reader.series(filter),
      metadata: () => reader.metadata(),
    };
    const waiting = Promise.withResolvers<void>();
    await using listener = await openTestListener((app) => {
      registerAuthentication(app, new Authenticator({ devMode: true }));
      const promql = createPromql({ reader: slow, clock: systemClock });
      registerPrometheusRoutes(app, { promql, reader, clock: systemClock, version: '1' });
    });
    const ask = async (query: string, signal?: AbortSignal) =>
      await fetch(new URL('/api/v1/query', listener.url), {
        method: 'POST',
        headers: OPERATOR,
        body: new URLSearchParams({ query, time: String(NOW / 1000) }),
        ...(signal !== undefined && { signal }),
      });
    const answer = await ask('sum(vm_cpu)');
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.match(await answer.text(), /"24"/);
    const controller = new AbortController();
    const gone = assert.rejects(ask('slow', controller.signal), /abort/i);
    await waiting.promise;
    controller.abort();
    await gone;
    assert.match(String(await aborted.promise), /the caller has gone/);
  });

  it('shows no more than the limit, and says that there is more', async () => {
    const { get } = setUp();
    const { body } = await get('query?query=vm_cpu&limit=1');
    assert.equal((body['data'] as { result: unknown[] }).result.length, 1);
    assert.deepEqual(body['warnings'], ['results truncated due to limit']);
    const names = await get('label/__name__/values?limit=2');
    assert.deepEqual(names.body['data'], ['load', 'vm_cpu']);
    assert.deepEqual(names.body['warnings'], ['results truncated due to limit']);
    assert.equal('warnings' in (await get('query?query=vm_cpu&limit=2')).body, false);
  });

  it('says what metrics mean and what the server is', async () => {
    const { get } = setUp();
    const { body } = await get('metadata');
    assert.deepEqual(body['data'], {
      load: [{ type: 'gauge', help: 'The load.', unit: '' }],
      vm_cpu: [{ type: 'counter', help: 'Time on processors.', unit: '' }],
      vm_secret: [{ type: 'unknown', help: 'Not for all.', unit: '' }],
    });
    const one = await get('metadata?metric=load&limit=5');
    assert.deepEqual(Object.keys(one.body['data'] as object), ['load']);
    const build = await get('status/buildinfo');
    assert.equal((build.body['data'] as { version: string }).version, '2.42.0');
  });
});

describe('a customer of the query API', () => {
  it('sees only series of its own, on every route', async () => {
    const { get } = setUp();
    const ask = async (path: string) => {
      const { status, body } = await get(path, ACME);
      assert.equal(status, 200, JSON.stringify(body));
      assert.doesNotMatch(JSON.stringify(body), /other|vm_secret|plan|"load"|"h"/, path);
      return body['data'];
    };
    await ask('query?query=vm_secret or load or vm_cpu');
    await ask('query?query=count({__name__=~".%2B"}) by (__name__, vm, plan)');
    await ask(
      `query_range?query=vm_cpu{customer_id!="acme"}&step=10&start=${NOW / 1000 - 60}&end=${
        NOW / 1000
      }`,
    );
    await ask('series?match[]={customer_id="other"}&match[]={__name__!=""}');
    await ask('labels');
    await ask('labels?match[]=vm_secret');
    assert.deepEqual(await ask('label/vm/values'), ['1']);
    assert.deepEqual(await ask('label/customer_id/values'), ['acme']);
    assert.deepEqual(await ask('label/__name__/values?match[]={vm!=""}'), ['vm_cpu']);
    assert.deepEqual(Object.keys((await ask('metadata')) as object), ['vm_cpu']);
  });

  it('has to say who it is', async () => {
    const { get } = setUp();
    for (const path of ['query?query=up', 'labels', 'metadata', 'status/buildinfo']) {
      const { status, body } = await get(path, {});
      assert.equal(status, 401);
      assert.equal(body['status'], 'error');
      assert.equal(body['errorType'], 'unauthorized');
    }
  });
});

describe('a failure of the query API', () => {
  it('has the shape of those of Prometheus', async () => {
    const { get, post } = setUp({ limits: { maxSeries: 1, timeoutMs: 60_000 } });
    const { status, body } = await get('query?query=up%2B');
    assert.equal(status, 400);
    assert.deepEqual(Object.keys(body), ['status', 'errorType', 'error']);
    assert.equal(body['status'], 'error');
    assert.equal(body['errorType'], 'bad_data');
    assert.match(String(body['error']), /^1:4: parse error/);
    const kind = async (path: string) => {
      const failed = await get(path);
      return [failed.status, failed.body['errorType']];
    };
    assert.deepEqual(await kind('query'), [400, 'bad_data']);
    assert.deepEqual(await kind('query?query=vm_cpu'), [422, 'execution']);
    assert.deepEqual(await kind('query?query=load%2Bload&timeout=0'), [400, 'bad_data']);
    assert.deepEqual(await kind('query?query=load&limit=x'), [400, 'bad_data']);
    assert.deepEqual(await kind('series'), [400, 'bad_data']);
    assert.deepEqual(await kind('label/a-b/values'), [400, 'bad_data']);
    const tooLong = await post('query', `query=${'x'.repeat(70_000)}`);
    assert.deepEqual([tooLong.status, tooLong.body['status']], [413, 'error']);
    const xml = await post('query', '<query/>', 'text/xml');
    assert.deepEqual([xml.status, xml.body['status']], [415, 'error']);
  });

  it('tells a store that is broken from a query that is', async () => {
    const broken: MetricReader = {
      select: () => Promise.reject(new Error('disk on fire')),
      series: () => Promise.reject(new Error('disk on fire')),
      metadata: () => Promise.reject(new Error('disk on fire')),
    };
    const { get } = setUp({ reader: broken });
    for (const path of ['query?query=up', 'labels', 'metadata']) {
      const { status, body } = await get(path);
      assert.equal(status, 500);
      assert.equal(body['errorType'], 'internal');
      assert.doesNotMatch(String(body['error']), /fire/);
    }
  });

  it('leaves other routes of the same listener as they are', async () => {
    const { app } = setUp();
    for (const url of ['/api/v1/webhooks', '/api/v1/nothing', '/api/v1/query/x']) {
      const answer = await app.inject({ url, headers: OPERATOR });
      assert.equal(answer.statusCode, 404);
      assert.equal(answer.json<{ code: string }>().code, 'not_found', url);
    }
  });
});
