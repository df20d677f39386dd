import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { LabelMatcher, MetricReader, SeriesPoints } from '#metrics/metric-reader.ts';
import { MemoryMetricReader, type MemorySeries } from '#test/memory-metric-reader.ts';
import { parsePromql } from './parse-promql.ts';
import { createPromql, type PromqlLimits } from './promql.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const { signal } = new AbortController();

function series(name: string, labels: Record<string, string>, value: number): MemorySeries {
  const points = Array.from({ length: 41 }, (_, at) => {
    return [NOW - (40 - at) * 15_000, value + at] as const;
  });
  return { name, labels, points };
}

const SERIES = [
  series('vm_cpu', { customer_id: 'acme', vm: '1' }, 1),
  series('vm_cpu', { customer_id: 'other', vm: '2' }, 2000),
  series('vm_mem', { customer_id: 'other', vm: '2' }, 4000),
  series('owner', { vm: '1', customer_id: 'acme', secret: 'mine' }, 1),
  series('owner', { vm: '2', customer_id: 'other', secret: 'theirs' }, 1),
  series('host_load', {}, 8000),
];

function setUp(limits: Partial<PromqlLimits> = {}, all: readonly MemorySeries[] = SERIES) {
  const reader = new MemoryMetricReader(all);
  const promql = createPromql({ reader, clock: systemClock, limits });
  return { reader, promql };
}

const HOUR = { fromMs: NOW - 3_600_000, toMs: NOW, stepMs: 60_000 };

describe('a query with conditions of the caller', () => {
  const extraMatchers: readonly LabelMatcher[] = [
    { label: 'customer_id', operator: '=', value: 'acme' },
  ];
  const ATTEMPTS = [
    'vm_cpu',
    'vm_mem',
    'host_load',
    '{__name__=~".+"}',
    'vm_cpu{customer_id="other"}',
    'vm_cpu{customer_id=~".*"}',
    'vm_cpu{customer_id!="acme"}',
    'vm_cpu or vm_mem',
    'vm_cpu or vector(0) or host_load',
    'absent(vm_mem) or vm_mem',
    'absent(vm_cpu{customer_id="other"})',
    'vm_cpu * on(vm) group_left(secret) owner',
    'owner * on() group_right(secret) vector(1)',
    'label_replace(vm_cpu, "customer_id", "other", "vm", ".*")',
    'label_replace(vm_cpu, "customer_id", "", "vm", ".*") or on() vm_mem',
    'label_join(owner, "all", "-", "secret", "customer_id")',
    'sum(vm_cpu) by (customer_id)',
    'count_values("value", vm_cpu)',
    'topk(10, {vm=~".*", __name__!=""})',
    'max_over_time(vm_cpu[10m])',
    'max_over_time(sum(vm_cpu)[10m:1m])',
    'vm_cpu @ end() offset 1m',
    'scalar(host_load) + vector(0)',
    'quantile(scalar(vm_mem), vm_cpu)',
    'vm_cpu unless vm_mem',
    'timestamp(host_load)',
  ];

  it('reads no series that do not meet them, whatever it says', async () => {
    for (const query of ATTEMPTS) {
      const { reader, promql } = setUp();
      const instant = await promql.instant(query, { atMs: NOW, extraMatchers }, signal);
      const range = await promql.range(query, { ...HOUR, extraMatchers }, signal);
      for (const { matchers } of reader.selections) {
        assert.ok(
          matchers.some((matcher) => matcher === extraMatchers[0]),
          query,
        );
      }
      assert.ok(reader.selections.length >= 2, query);
      const text = JSON.stringify([instant, range.series.map(({ labels }) => labels)]);
      assert.doesNotMatch(text, /theirs|"vm":"2"/, query);
      for (const { values } of range.series) {
        assert.ok(
          values.every((value) => !(value >= 2000 && value < 9000)),
          query,
        );
      }
    }
  });

  it('reads everything when there are none', async () => {
    const { promql } = setUp();
    const all = await promql.instant('sum(vm_cpu)', { atMs: NOW }, signal);
    const own = await promql.instant('sum(vm_cpu)', { atMs: NOW, extraMatchers }, signal);
    assert.deepEqual(all.kind === 'vector' && all.samples, [{ labels: {}, value: 2081 }]);
    assert.deepEqual(own.kind === 'vector' && own.samples, [{ labels: {}, value: 41 }]);
  });
});

describe('the limits of queries', () => {
  it('are handed to the reader, of samples what is left of them', async () => {
    const { reader, promql } = setUp({ maxSeries: 7, maxSamples: 200 });
    await promql.range('vm_cpu + vm_cpu + host_load', HOUR, signal);
    const asked = reader.selections.map(({ maxSeries, maxSamples }) => [maxSeries, maxSamples]);
    assert.deepEqual(asked, [
      [7, 200],
      [7, 118],
    ]);
  });

  it('refuse by how much it was too much', async () => {
    const refused = async (query: string, limits: Partial<PromqlLimits>, message: RegExp) => {
      const { promql } = setUp(limits);
      await assert.rejects(promql.range(query, HOUR, signal), message);
    };
    await refused('vm_cpu', { maxSeries: 1 }, /selects 2 series, and 1 is the most/);
    await refused('vm_cpu', { maxSamples: 50 }, /needs 82 samples, and 50 is the most/);
    await refused('vm_cpu', { maxPoints: 30 }, /of 30 points .*these are 61; a step of 120 s/);
    await refused('vm_cpu + vm_cpu', { maxCells: 400 }, /more than 400 values/);
    await refused('max_over_time(vm_cpu[1y:1ms])', {}, /more than 20000000 values/);
  });

  it('end a query that takes too long', async () => {
    const clock = new FakeClock(NOW);
    const stuck: MetricReader = {
      select: async (_selection, aborted) => {
        const { promise, reject } = Promise.withResolvers<readonly SeriesPoints[]>();
        aborted.addEventListener('abort', () => reject(aborted.reason as Error));
        return await promise;
      },
      series: async () => [],
      metadata: async () => [],
    };
    const promql = createPromql({
      reader: stuck,
      clock,
      limits: { maxConcurrent: 1, maxWaiting: 1 },
    });
    const prepared = await parsePromql('up');
    const ask = (timeoutMs: number) => promql.instant(prepared, { atMs: NOW, timeoutMs }, signal);
    const first = assert.rejects(ask(1000), /the query took longer than 1000 ms/);
    const waiting = assert.rejects(ask(500), /the query took longer than 500 ms/);
    await assert.rejects(ask(1000), /2 queries are under way/);
    await clock.advance(500);
    await waiting;
    const next = assert.rejects(ask(2000), /took longer than 2000 ms/);
    await clock.advance(500);
    await first;
    await clock.advance(2000);
    await next;
    assert.equal(clock.pendingTimers, 0);
  });

  it('let other work in while a query is evaluated, and end it when nobody waits', async () => {
    const many = Array.from({ length: 60 }, (_, at) => series('vm_cpu', { vm: String(at) }, at));
    const { promql } = setUp({}, many);
    const controller = new AbortController();
    const query = 'deriv(vm_cpu[10m:1s])';
    const range = { fromMs: NOW - 600_000, toMs: NOW, stepMs: 100 };
    const running = promql.range(query, range, controller.signal);
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (turns < 20) setImmediate(turn);
      else controller.abort(new Error('gone'));
    };
    setImmediate(turn);
    await assert.rejects(running, /gone/);
    assert.equal(turns, 20);
  });
});

describe('points that stand for many samples', () => {
  const rolledUp: SeriesPoints = {
    labels: { __name__: 'load' },
    times: Float64Array.of(NOW - 120_000, NOW - 60_000, NOW),
    values: Float64Array.of(60, 30, 90),
    counts: Float64Array.of(60, 20, 30),
  };
  const asked: string[] = [];
  const reader: MetricReader = {
    select: async ({ column }) => {
      asked.push(column);
      return [rolledUp];
    },
    series: async () => [],
    metadata: async () => [],
  };
  const promql = createPromql({ reader, clock: systemClock });

  it('count as many in averages, sums and counts, and are asked for by column', async () => {
    const value = async (query: string) => {
      const result = await promql.instant(query, { atMs: NOW }, signal);
      return result.kind === 'vector' ? result.samples[0]?.value : undefined;
    };
    assert.equal(await value('avg_over_time(load[5m])'), 180 / 110);
    assert.equal(await value('sum_over_time(load[5m])'), 180);
    assert.equal(await value('count_over_time(load[5m])'), 110);
    assert.equal(await value('count_over_time(load[1m])'), 50);
    assert.equal(await value('max_over_time(load[5m])'), 90);
    assert.equal(await value('min_over_time(load[5m])'), 30);
    assert.equal(await value('load'), 90);
    assert.deepEqual(asked, ['sum', 'sum', 'sum', 'sum', 'max', 'min', 'last', 'last']);
  });
});

describe('what is read', () => {
  const selected = async (query: string) => {
    const { reader, promql } = setUp();
    await promql.range(query, HOUR, signal);
    return reader.selections.map(({ fromMs, toMs, stepMs }) => [
      (fromMs - NOW) / 60_000,
      (toMs - NOW) / 60_000,
      stepMs,
    ]);
  };

  it('is what each selector can see from all instants, once', async () => {
    assert.deepEqual(await selected('vm_cpu'), [[-65, 0, 60_000]]);
    assert.deepEqual(await selected('rate(vm_cpu[10m])'), [[-70, 0, 60_000]]);
    assert.deepEqual(await selected('vm_cpu @ end()'), [[-5, 0, 0]]);
    assert.deepEqual(await selected('vm_cpu offset 2m'), [[-67, -2, 60_000]]);
    assert.deepEqual(await selected('max_over_time(vm_cpu[20m:2m])'), [[-85, 0, 120_000]]);
    assert.deepEqual(await selected('vm_cpu / vm_cpu'), [[-65, 0, 60_000]]);
  });

  it('is as fine as the function, the range and the step need it', async () => {
    assert.deepEqual(await selected('rate(vm_cpu[30s])'), [[-60.5, 0, 30_000]]);
    assert.deepEqual(await selected('changes(vm_cpu[10m])'), [[-70, 0, 0]]);
    assert.deepEqual(await selected('avg_over_time(vm_cpu[10m])'), [[-70, 0, 60_000]]);
  });

  it('reaches further back where points are rolled up', async () => {
    const spans: number[] = [];
    const old: SeriesPoints = {
      labels: { __name__: 'load' },
      times: Float64Array.of(NOW - 14 * 60_000),
      values: Float64Array.of(7),
      counts: Float64Array.of(900),
    };
    const reader: MetricReader = {
      select: async ({ fromMs, toMs }) => {
        spans.push((toMs - fromMs) / 60_000);
        return (old.times[0] ?? 0) >= fromMs ? [old] : [];
      },
      series: async () => [],
      metadata: async () => [],
    };
    const promql = createPromql({ reader, clock: systemClock });
    const result = await promql.instant('load', { atMs: NOW }, signal);
    assert.equal(result.kind === 'vector' && result.samples[0]?.value, 7);
    assert.deepEqual(spans, [5, 25]);
  });
});
