import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { MemoryMetricReader } from '#test/memory-metric-reader.ts';
import { registerRangeRoutes } from './range-routes.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const OPERATOR = 'dev_operator';
const EVIL = '=HYPERLINK("http://evil"),\n+1';

/** A sample every ten seconds of the last two minutes: 0, 1, 2… */
const POINTS = Array.from({ length: 13 }, (_, at) => [NOW - 120_000 + at * 10_000, at] as const);

function setUp() {
  const reader = new MemoryMetricReader([
    { name: 'load', labels: { instance: 'h' }, points: POINTS },
    { name: 'vm_cpu', labels: { customer_id: 'acme', vm: '1' }, points: POINTS },
    { name: 'vm_cpu', labels: { customer_id: 'other', vm: '2' }, points: POINTS },
    { name: 'odd', labels: { text: EVIL }, points: [[NOW - 60_000, 0.5]] },
  ]);
  const clock = new FakeClock(NOW);
  const app = createEdgeApp({
    log: createLogCapture().log,
    clock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  registerRangeRoutes(app, { reader, clock });
  const get = async (path: string, headers: Record<string, string> = {}) =>
    await app.inject({
      url: `/api/v1/metrics/${path}`,
      headers: { authorization: `Bearer ${OPERATOR}`, ...headers },
    });
  const refusal = async (path: string) => {
    const answer = await get(path);
    assert.equal(answer.statusCode, 400, answer.body);
    return answer.json<{ message: string }>().message;
  };
  return { get, refusal };
}

const AS_ACME = { authorization: 'Bearer dev_customer_acme' };

describe('GET /api/v1/metrics/series', () => {
  it('lists the series of the last hour, in order', async () => {
    const { get } = setUp();
    const answer = await get('series');
    assert.equal(answer.headers['x-truncated'], 'false');
    assert.deepEqual(
      answer.json<{ metric: string }[]>().map(({ metric }) => metric),
      ['load', 'odd', 'vm_cpu', 'vm_cpu'],
    );
    assert.deepEqual((await get('series?from=-2h&to=-1h')).json(), []);
  });

  it('finds by metric, by selector, and by both', async () => {
    const { get } = setUp();
    const expected = [{ metric: 'vm_cpu', labels: { customer_id: 'acme', vm: '1' } }];
    for (const query of [
      'match[]=vm_cpu{vm="1"}',
      'metric=vm_cpu&match[]={vm!="2"}',
      'match[]={vm=~"[1]"}&match[]={customer_id="acme"}',
    ]) {
      assert.deepEqual((await get(`series?${query}`)).json(), expected, query);
    }
    assert.equal((await get('series?metric=load,vm_cpu')).json<unknown[]>().length, 3);
  });

  it('says when there are more than the limit', async () => {
    const { get } = setUp();
    const answer = await get('series?limit=2');
    assert.equal(answer.headers['x-truncated'], 'true');
    assert.equal(answer.json<unknown[]>().length, 2);
  });

  it('shows a customer only what is theirs, whatever they ask for', async () => {
    const { get } = setUp();
    for (const query of ['', '?match[]={}', '?metric=vm_cpu', '?match[]={customer_id=~".*"}']) {
      const labels = (await get(`series${query}`, AS_ACME)).json<{ labels: unknown }[]>();
      assert.deepEqual(
        labels.map((series) => series.labels),
        [{ customer_id: 'acme', vm: '1' }],
        query,
      );
    }
    assert.deepEqual((await get('series?metric=load', AS_ACME)).json(), []);
  });
});

describe('GET /api/v1/metrics/range', () => {
  it('answers the last hour in at most 300 points, with null where there is nothing', async () => {
    const { get } = setUp();
    const answer = await get('range?metric=load');
    assert.match(answer.headers['content-type'] as string, /^application\/json/);
    const body = answer.json<{ series: { points: [number, number | null][] }[] }>();
    const { series, ...head } = body;
    assert.deepEqual(head, {
      from: NOW / 1000 - 3600,
      to: NOW / 1000,
      fn: 'last',
      step: 15,
      found: 1,
      truncated: false,
    });
    const [{ points, ...about } = assert.fail('no series')] = series;
    assert.deepEqual(about, { metric: 'load', labels: { instance: 'h' } });
    assert.equal(points.length, 241);
    assert.deepEqual(points[0], [NOW / 1000 - 3600, null]);
    assert.deepEqual(points.at(-1), [NOW / 1000, 12]);
  });

  it('takes instants in every form', async () => {
    const { get } = setUp();
    for (const [from, to] of [
      ['-1m', 'now'],
      [String(NOW / 1000 - 60), (NOW / 1000).toFixed(3)],
      ['2026-01-01T11:59:00Z', '2026-01-01T13:00:00.000%2B01:00'],
      ['2026-01-01T11:59:00Z', '2026-01-01T13:00:00+01:00'],
    ] as const) {
      const answer = await get(`range?metric=load&fn=rate&step=30s&from=${from}&to=${to}`);
      const { series } = answer.json<{ series: { points: unknown }[] }>();
      const expected = [NOW - 60_000, NOW - 30_000, NOW].map((ms) => [ms / 1000, 0.1]);
      assert.deepEqual(series[0]?.points, expected, from);
    }
  });

  it('puts series together', async () => {
    const { get } = setUp();
    const query = 'range?metric=vm_cpu,load&agg=sum&from=-30s&step=30s&fn=max';
    assert.deepEqual((await get(query)).json<{ series: unknown }>().series, [
      {
        labels: {},
        points: [
          [NOW / 1000 - 30, 27],
          [NOW / 1000, 36],
        ],
      },
    ]);
    const grouped = (await get(`${query}&by=customer_id,instance`)).json<{ series: object[] }>();
    assert.deepEqual(
      grouped.series.map((series) => ({ ...series, points: [] })),
      [
        { metric: 'load', labels: { instance: 'h' }, points: [] },
        { metric: 'vm_cpu', labels: { customer_id: 'acme' }, points: [] },
        { metric: 'vm_cpu', labels: { customer_id: 'other' }, points: [] },
      ],
    );
  });

  it('writes CSV when asked to, with empty cells for gaps', async () => {
    const { get } = setUp();
    const query = 'range?match[]=load&match[]=odd&from=-60s&step=30s';
    const byAccept = await get(query, { accept: 'text/csv, application/json;q=0.5' });
    const byParameter = await get(`${query}&format=csv`);
    assert.equal(byAccept.body, byParameter.body);
    assert.match(byAccept.headers['content-type'] as string, /^text\/csv; charset=utf-8/);
    assert.deepEqual(byAccept.body.split('\r\n').slice(1), [
      '2026-01-01T11:59:00.000Z,6,0.5',
      '2026-01-01T11:59:30.000Z,9,',
      '2026-01-01T12:00:00.000Z,12,',
      '',
    ]);
  });

  it('lets no label pass for a formula, a line or a cell of its own', async () => {
    const { get } = setUp();
    const { body } = await get('range?metric=odd&fn=raw&format=csv');
    const [title = '', line, ...rest] = body.split('\r\n');
    assert.equal(title, String.raw`time,"odd{text=""=HYPERLINK(\""http://evil\""),\n+1""}"`);
    assert.equal(line, '2026-01-01T11:59:00.000Z,0.5');
    assert.deepEqual(rest, ['']);
  });

  it('merges samples of different instants into the lines of one CSV', async () => {
    const { get } = setUp();
    const query = 'range?match[]={__name__=~"odd|load"}&fn=raw&from=-70s&to=-50s&format=csv';
    const lines = (await get(query)).body.split('\r\n').slice(1, -1);
    assert.deepEqual(
      lines.map((line) => line.replace(/^.*Z/, '')),
      [',5,', ',6,0.5', ',7,'],
    );
  });

  it('shows a customer only what is theirs', async () => {
    const { get } = setUp();
    const query =
      'range?match[]={__name__=~".%2B"}&match[]={customer_id="other"}&agg=count&from=now';
    const { series } = (await get(query, AS_ACME)).json<{ series: { points: unknown }[] }>();
    assert.deepEqual(series[0]?.points, [[NOW / 1000, 1]]);
  });

  it('says that a limit left series out', async () => {
    const { get } = setUp();
    const answer = await get('range?match[]={__name__=~".%2B"}&limit=1&from=-1m');
    assert.equal(answer.headers['x-truncated'], 'true');
    const { found, truncated, series } = answer.json<{
      found: number;
      truncated: boolean;
      series: unknown[];
    }>();
    assert.deepEqual([found, truncated, series.length], [4, true, 1]);
  });

  for (const [query, message] of [
    ['', /^metric: is missing; give metric=NAME or match\[\]=/],
    ['?metric=load&setp=1m', /^setp: is not a parameter here; did you mean step\?$/],
    ['?metric=load&xyzzy=1', /^xyzzy: is not a parameter here; known: metric, match\[\], from/],
    ['?metric=1load', /^metric: must be the name of a metric/],
    ['?match[]=load{', /^match\[\]: must be a selector/],
    ['?metric=load&match[]=up', /^match\[\]: must not name a metric beside metric=/],
    ['?metric=load&from=1767268800000', /^from: must be seconds.*this looks like milliseconds$/],
    ['?metric=load&from=yesterday', /^from: must be seconds since 1970/],
    ['?metric=load&from=2026-02-31', /^from: must be seconds since 1970/],
    ['?metric=load&from=now&to=-1h', /^from: must not be after to/],
    ['?metric=load&step=0', /^step: must be a length of time/],
    ['?metric=load&step=1x', /^step: must be a length of time/],
    ['?metric=load&step=1m&step=2m', /^step: must be given once$/],
    ['?metric=load&fn=rte', /^fn: must be one of raw, last, rate.*did you mean rate\?$/],
    ['?metric=load&agg=summ', /^agg: must be one of sum.*did you mean sum\?$/],
    ['?metric=load&by=instance', /^agg: is missing; by= goes with one of/],
    ['?metric=load&agg=sum&by=a-b', /^by: "a-b" is no label name$/],
    ['?metric=load&fn=raw&step=1m', /^step: means nothing with fn=raw/],
    ['?metric=load&limit=0', /^limit: must be a whole number from 1 to 1000$/],
    ['?metric=load&format=xml', /^format: must be one of json, csv$/],
    ['?metric=load&step=1s&from=-1d', /makes 86401 points.*ask for a step of 10s or more/],
  ] as const) {
    it(`refuses range${query}`, async () => {
      assert.match(await setUp().refusal(`range${query}`), message);
    });
  }
});
