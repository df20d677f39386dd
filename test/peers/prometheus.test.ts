/**
 * The same samples in a real Prometheus and behind our API, and the same questions to both. Whole
 * answers are compared: series, instants, values, and whether there is an answer at all.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import { systemClock } from '#kernel/clock.ts';
import { createPromql } from '#metrics/promql/promql.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { registerPrometheusRoutes } from '#surfaces/vm-metrics/prometheus/prometheus-routes.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { MemoryMetricReader } from '#test/memory-metric-reader.ts';
import { loadSeries } from '#test/prometheus-loader.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { INSTANT_QUERIES, ORDERED, QUERIES } from './promql-queries.ts';
import { makeQueries } from './promql-random.ts';
import { REFUSED } from './promql-refused.ts';
import { promqlSamples, SPAN_MS } from './promql-samples.ts';

const RANDOM_SEED = 1;
const RANDOM_QUERIES = 200;
const RELATIVE_TOLERANCE = 1e-9;
/** Where great numbers cancel, what is left of either is noise. */
const ABSOLUTE_TOLERANCE = 1e-12;

/** Always the same, so that what passes once passes always; and a whole minute. */
const START_MS = Date.UTC(2026, 0, 31, 10);
const END_MS = START_MS + SPAN_MS;

type Parameters = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly errorType: string | undefined;
  readonly data: unknown;
}

let prometheus: TestPrometheus;
let app: FastifyInstance;

before(async () => {
  prometheus = await TestPrometheus.open({ args: ['--web.enable-remote-write-receiver'] });
  const samples = promqlSamples(START_MS);
  await loadSeries(prometheus, samples);
  const reader = new MemoryMetricReader(samples);
  app = createEdgeApp({
    log: createLogCapture().log,
    clock: systemClock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  const promql = createPromql({ reader, clock: systemClock });
  registerPrometheusRoutes(app, { promql, reader, clock: systemClock, version: 'test' });
  await app.ready();
});

after(async () => {
  await app?.close();
  await prometheus?.[Symbol.asyncDispose]();
});

async function askTheirs(path: string, parameters: Parameters | URLSearchParams): Promise<Answer> {
  const url = new URL(path, prometheus.url);
  url.search = new URLSearchParams(parameters).toString();
  const response = await fetch(url);
  return toAnswer(response.status, await response.text());
}

async function askOurs(path: string, parameters: Parameters | URLSearchParams): Promise<Answer> {
  const response = await app.inject({
    url: `${path}?${new URLSearchParams(parameters).toString()}`,
    headers: { authorization: 'Bearer dev_operator' },
  });
  return toAnswer(response.statusCode, response.body);
}

function toAnswer(status: number, text: string): Answer {
  const body = JSON.parse(text) as { data?: unknown; errorType?: string };
  return { status, errorType: body.errorType, data: body.data };
}

interface Result {
  readonly resultType: string;
  readonly result: readonly unknown[];
}

interface Item {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

async function compare(path: string, parameters: Parameters): Promise<void> {
  const [theirs, ours] = await Promise.all([
    askTheirs(path, parameters),
    askOurs(path, parameters),
  ]);
  const what = JSON.stringify(parameters);
  assert.equal(
    ours.status,
    theirs.status,
    `${what}: ${JSON.stringify([ours, theirs]).slice(0, 600)}`,
  );
  assert.equal(ours.errorType, theirs.errorType, what);
  if (theirs.status !== 200) return;
  compareResults(ours.data as Result, theirs.data as Result, {
    what,
    isOrdered: path.endsWith('/query') && ORDERED.test(parameters['query'] ?? ''),
  });
}

function compareResults(
  ours: Result,
  theirs: Result,
  { what, isOrdered }: { readonly what: string; readonly isOrdered: boolean },
): void {
  assert.equal(ours.resultType, theirs.resultType, what);
  if (ours.resultType === 'scalar' || ours.resultType === 'string') {
    const [[ourAt, ourValue], [theirAt, theirValue]] = [ours.result, theirs.result] as [
      [number, string],
      [number, string],
    ];
    assert.equal(ourAt, theirAt, what);
    if (ours.resultType === 'string') assert.equal(ourValue, theirValue, what);
    else compareValues(ourValue, theirValue, what);
    return;
  }
  const [our, their] = [toItems(ours, isOrdered), toItems(theirs, isOrdered)];
  assert.deepEqual(
    our.map(({ key }) => key),
    their.map(({ key }) => key),
    what,
  );
  for (const [at, { key, points }] of our.entries()) {
    const others = their[at]?.points ?? [];
    assert.deepEqual(
      points.map(([time]) => time),
      others.map(([time]) => time),
      `${what} ${key}`,
    );
    for (const [index, [time, value]] of points.entries()) {
      compareValues(value, others[index]?.[1] ?? 'none', `${what} ${key} at ${time}`);
    }
  }
}

function toItems({ result, resultType }: Result, isOrdered: boolean) {
  const items = (result as Item[]).map(({ metric, value, values }) => ({
    key: JSON.stringify(Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    points: values ?? (value === undefined ? [] : [value]),
  }));
  // A range comes in order of labels from both; other instants in any.
  if (isOrdered || resultType === 'matrix') return items;
  return items.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function toNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

function compareValues(ourText: string, theirText: string, what: string): void {
  const [ours, theirs] = [toNumber(ourText), toNumber(theirText)];
  if (Object.is(ours, theirs) || ours === theirs) return;
  const scale = Math.max(Math.abs(ours), Math.abs(theirs));
  const isClose = Math.abs(ours - theirs) <= scale * RELATIVE_TOLERANCE + ABSOLUTE_TOLERANCE;
  assert.ok(isClose, `${what}: ours is ${ourText}, theirs ${theirText}`);
}

const seconds = (ms: number) => String(ms / 1000);

const INSTANTS = [
  END_MS - 60_000,
  START_MS + 2_000_000 + 123,
  // In the gaps, exactly on samples, and exactly as far after one as is looked back.
  START_MS + 52 * 60_000,
  START_MS + 150 * 15_000 + 300_000,
  START_MS + 200 * 15_000,
  END_MS + 299_000,
];

const RANGES = [
  { start: seconds(START_MS), end: seconds(END_MS), step: '60' },
  { start: seconds(START_MS + 601_000), end: seconds(END_MS - 900_500), step: '37' },
  { start: seconds(START_MS + 3_000_000), end: seconds(START_MS + 3_060_000), step: '1s' },
];

describe('a query', () => {
  for (const query of new Set(QUERIES)) {
    it(`is answered as Prometheus does: ${query}`, async () => {
      for (const atMs of INSTANTS) await compare('/api/v1/query', { query, time: seconds(atMs) });
      for (const range of RANGES) await compare('/api/v1/query_range', { query, ...range });
    });
  }

  for (const query of INSTANT_QUERIES) {
    it(`is answered at an instant only, as Prometheus does: ${query}`, async () => {
      for (const atMs of INSTANTS) await compare('/api/v1/query', { query, time: seconds(atMs) });
      for (const range of RANGES) await compare('/api/v1/query_range', { query, ...range });
    });
  }

  for (const [at, query] of makeQueries(RANDOM_SEED, RANDOM_QUERIES).entries()) {
    it(`that is made up is answered or refused as Prometheus does: ${at}`, async () => {
      for (const atMs of INSTANTS) await compare('/api/v1/query', { query, time: seconds(atMs) });
      for (const range of RANGES) await compare('/api/v1/query_range', { query, ...range });
    });
  }

  for (const query of REFUSED) {
    it(`is refused, as Prometheus does: ${JSON.stringify(query)}`, async () => {
      for (const [path, times] of [
        ['/api/v1/query', { time: seconds(INSTANTS[0] ?? 0) }],
        ['/api/v1/query_range', RANGES[0] ?? {}],
      ] as const) {
        const theirs = await askTheirs(path, { query, ...times });
        const ours = await askOurs(path, { query, ...times });
        assert.notEqual(theirs.status, 200, 'Prometheus has an answer');
        assert.equal(ours.status, theirs.status, JSON.stringify(theirs));
        assert.equal(ours.errorType, theirs.errorType);
      }
    });
  }
});

describe('what is there', () => {
  const times = { start: seconds(START_MS), end: seconds(END_MS) };
  const LISTS: readonly (readonly [path: string, parameters: readonly [string, string][]])[] = [
    ['/api/v1/series', [['match[]', 'up']]],
    ['/api/v1/series', [['match[]', '{__name__=~"node_load.*",instance!="beta:9100"}']]],
    [
      '/api/v1/series',
      [
        ['match[]', 'up'],
        ['match[]', 'job_progress{job="backup"}'],
      ],
    ],
    ['/api/v1/series', [['match[]', 'nothing_here']]],
    ['/api/v1/series', []],
    ['/api/v1/series', [['match[]', 'rate(up[5m])']]],
    ['/api/v1/series', [['match[]', 'up offset 5m']]],
    ['/api/v1/series', [['match[]', '{}']]],
    ['/api/v1/labels', []],
    ['/api/v1/labels', [['match[]', 'up']]],
    ['/api/v1/labels', [['match[]', 'up{']]],
    ['/api/v1/label/__name__/values', []],
    ['/api/v1/label/instance/values', []],
    ['/api/v1/label/instance/values', [['match[]', 'node_uname_info{job="node"}']]],
    ['/api/v1/label/missing/values', []],
    ['/api/v1/label/constructor/values', []],
    ['/api/v1/label/bad-name/values', []],
  ];
  for (const [path, parameters] of LISTS) {
    it(`is listed as Prometheus does: ${path} ${JSON.stringify(parameters)}`, async () => {
      const all = new URLSearchParams([...parameters, ...Object.entries(times)]);
      const [theirs, ours] = [await askTheirs(path, all), await askOurs(path, all)];
      assert.equal(ours.status, theirs.status, JSON.stringify([ours, theirs]));
      assert.equal(ours.errorType, theirs.errorType);
      const sorted = (data: unknown) => (Array.isArray(data) ? data.map(toText).toSorted() : data);
      assert.deepEqual(sorted(ours.data), sorted(theirs.data));
    });
  }
});

function toText(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  return JSON.stringify(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe('a parameter that is wrong', () => {
  const query = 'up';
  const range = RANGES[0] ?? {};
  const WRONG: readonly (readonly [path: string, parameters: Parameters])[] = [
    ['/api/v1/query', { query, time: 'yesterday' }],
    ['/api/v1/query', { query, timeout: 'soon' }],
    ['/api/v1/query_range', { query }],
    ['/api/v1/query_range', { query, ...range, step: '0' }],
    ['/api/v1/query_range', { query, ...range, step: '-1' }],
    ['/api/v1/query_range', { query, ...range, step: 'x' }],
    ['/api/v1/query_range', { query, ...range, step: '0.1' }],
    ['/api/v1/query_range', { query, ...range, end: seconds(START_MS - 1) }],
  ];
  for (const [path, parameters] of WRONG) {
    it(`is refused as Prometheus does: ${path} ${JSON.stringify(parameters)}`, async () => {
      const theirs = await askTheirs(path, parameters);
      const ours = await askOurs(path, parameters);
      assert.notEqual(theirs.status, 200);
      assert.equal(ours.status, theirs.status, JSON.stringify(ours));
      assert.equal(ours.errorType, theirs.errorType);
    });
  }

  it('is not made of times written as RFC 3339 or steps as durations', async () => {
    const start = new Date(START_MS).toISOString();
    const end = new Date(END_MS).toISOString().replace('Z', '+00:00');
    await compare('/api/v1/query_range', { query, start, end, step: '1m30s' });
    await compare('/api/v1/query', { query, time: end });
  });
});
