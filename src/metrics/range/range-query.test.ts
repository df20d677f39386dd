import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { METRIC_NAME } from '#metrics/labels.ts';
import { MemoryMetricReader, type MemorySeries } from '#test/memory-metric-reader.ts';
import { runRangeQuery, stepFor, type RawQuery, type WindowQuery } from './range-query.ts';
import { computeWindows, type WindowFunction } from './window-function.ts';

const T = Date.UTC(2026, 0, 1, 12);
const ALL = [[{ label: METRIC_NAME, operator: '=~', value: '.+' }]] as const;

/** A sample every second from T on; undefined leaves one out. */
function everySecond(values: readonly (number | undefined)[]): MemorySeries['points'] {
  return values.flatMap((value, at) => (value === undefined ? [] : [[T + at * 1000, value]]));
}

function setUp(series: readonly MemorySeries[]) {
  const reader = new MemoryMetricReader(series);
  const context = { reader, clock: new FakeClock(T), signal: new AbortController().signal };
  const run = async (query: Partial<WindowQuery> | Partial<RawQuery>) =>
    await runRangeQuery(
      {
        ...{ selectors: ALL, fromMs: T, toMs: T + 30_000, limit: 1000, fn: 'last', stepMs: 10_000 },
        ...{ aggregation: undefined, by: [] },
        ...query,
      },
      context,
    );
  const values = async (fn: WindowFunction, query: Partial<WindowQuery> = {}) => {
    const { series: found } = await run({ fn, ...query });
    return found.map((each) =>
      [...each.values].map((value) => (Number.isNaN(value) ? null : value)),
    );
  };
  return { reader, context, run, values };
}

describe('runRangeQuery', () => {
  const rising = setUp([
    { name: 'x', points: everySecond(Array.from({ length: 31 }, (_, at) => at)) },
  ]);

  it('answers at multiples of the step, each for the samples since the one before', async () => {
    const { run, values } = rising;
    const { series } = await run({ fromMs: T + 1234, toMs: T + 29_999 });
    assert.deepEqual([...(series[0]?.times ?? [])], [T + 10_000, T + 20_000]);
    assert.deepEqual(await values('last'), [[0, 10, 20, 30]]);
    assert.deepEqual(await values('min'), [[0, 1, 11, 21]]);
    assert.deepEqual(await values('max'), [[0, 10, 20, 30]]);
    assert.deepEqual(await values('avg'), [[0, 5.5, 15.5, 25.5]]);
    assert.deepEqual(await values('p50'), [[0, 5.5, 15.5, 25.5]]);
    const [p95 = []] = await values('p95');
    assert.deepEqual(
      p95.map((value) => Number(value?.toFixed(9))),
      [0, 9.55, 19.55, 29.55],
    );
    assert.deepEqual(await values('increase'), [[null, 10, 10, 10]]);
    assert.deepEqual(await values('rate'), [[null, 1, 1, 1]]);
  });

  it('gives the samples themselves, at their own instants', async () => {
    const { series } = await rising.run({ fn: 'raw' });
    assert.equal(series[0]?.times.length, 31);
    assert.equal(series[0]?.times[7], T + 7000);
    assert.equal(series[0]?.values[7], 7);
  });

  it('has no value where there are no samples, and no series without values', async () => {
    const points = everySecond([1, 2, ...Array<undefined>(20).fill(undefined), 3]);
    const { values } = setUp([
      { name: 'x', points },
      { name: 'y', points: [[T + 29_000, NaN]] },
    ]);
    assert.deepEqual(await values('last'), [[1, 2, null, 3]]);
    assert.deepEqual(await values('p99'), [[1, 2, null, 3]]);
    assert.deepEqual(await values('avg'), [[1, 2, null, 3]]);
  });

  it('takes a counter that went back for one that began anew', async () => {
    const { values } = setUp([{ name: 'x', points: everySecond([100, 110, 5, 15, 0, 0, 7]) }]);
    assert.deepEqual(await values('increase'), [[null, 10 + 5 + 10 + 0 + 0 + 7, null, null]]);
    assert.deepEqual(await values('rate'), [[null, 32 / 6, null, null]]);
  });

  it('adds up: the increases of small windows are that of the whole', async () => {
    const points = everySecond(Array.from({ length: 31 }, (_, at) => (at * at * 7) % 101));
    const { values } = setUp([{ name: 'x', points }]);
    const [small = []] = await values('increase', { stepMs: 1000 });
    const [[, whole] = []] = await values('increase', { stepMs: 30_000, fromMs: T });
    assert.equal(
      small.reduce<number>((sum, value) => sum + (value ?? 0), 0),
      whole,
    );
  });

  it('knows what a counter grew from before the time asked for', async () => {
    const { values } = rising;
    assert.deepEqual(await values('increase', { fromMs: T + 10_000 }), [[10, 10, 10]]);
  });

  it('sees no growth across the end of a series', async () => {
    const { values } = setUp([{ name: 'x', points: everySecond([1, 2, NaN, 500, 501]) }]);
    assert.deepEqual(await values('increase', { toMs: T + 10_000 }), [[null, 2]]);
  });

  it('sees no growth across a long gap, but the pace across a short one', async () => {
    const gap = (ms: number) =>
      setUp([
        {
          name: 'x',
          points: [
            [T, 0],
            [T + ms, 600],
          ],
        },
      ]).values('rate', { toMs: T + 7_200_000, stepMs: 600_000 });
    assert.deepEqual((await gap(1_200_000))[0]?.slice(0, 4), [null, null, 0.5, null]);
    assert.deepEqual(await gap(3_600_000), []);
  });

  it('weighs rolled-up points by the samples behind them', () => {
    const points = {
      labels: {},
      times: Float64Array.of(T, T + 1000),
      values: Float64Array.of(60, 40),
      counts: Float64Array.of(60, 4),
    };
    const windows = { firstMs: T + 1000, stepMs: 10_000, count: 1 };
    assert.deepEqual([...computeWindows('avg', points, windows)], [100 / 64]);
  });

  it('asks for the column its function needs, and for no more time', async () => {
    const { reader, run } = rising;
    reader.selections.length = 0;
    for (const fn of ['avg', 'max', 'rate'] as const) await run({ fn });
    assert.deepEqual(
      reader.selections.map(({ column, fromMs, stepMs }) => [column, T - fromMs, stepMs]),
      [
        ['sum', 10_000, 10_000],
        ['max', 10_000, 10_000],
        ['last', 310_000, 10_000],
      ],
    );
  });

  it('puts series together, for each combination of the labels asked for', async () => {
    const { run } = setUp(
      ['user', 'idle'].flatMap((mode, m) =>
        ['0', '1'].map((cpu, c) => ({
          name: 'cpu',
          labels: { mode, cpu },
          points: everySecond([10 * m + c, mode === 'idle' && cpu === '1' ? undefined : 5]),
        })),
      ),
    );
    const combined = async (aggregation: 'sum' | 'avg' | 'min' | 'max' | 'count', by: string[]) => {
      const { series } = await run({ aggregation, by, stepMs: 1000, toMs: T + 1000 });
      return series.map(({ labels, values }) => [labels['mode'] ?? labels[METRIC_NAME], ...values]);
    };
    assert.deepEqual(await combined('sum', ['mode']), [
      ['idle', 21, 5],
      ['user', 1, 10],
    ]);
    assert.deepEqual(await combined('avg', ['mode']), [
      ['idle', 10.5, 5],
      ['user', 0.5, 5],
    ]);
    assert.deepEqual(await combined('count', []), [['cpu', 4, 3]]);
    assert.deepEqual(await combined('min', []), [['cpu', 0, 5]]);
    assert.deepEqual(await combined('max', []), [['cpu', 11, 5]]);
  });

  it('answers a series once that two selectors find, and says what a limit left out', async () => {
    const { run } = setUp(['b', 'a', 'c'].map((name) => ({ name, points: everySecond([1]) })));
    const { series, found } = await run({ selectors: [...ALL, ...ALL], limit: 2 });
    assert.deepEqual(
      series.map(({ labels }) => labels[METRIC_NAME]),
      ['a', 'b'],
    );
    assert.equal(found, 3);
  });
});

describe('a range query that asks for too much', () => {
  const many = (count: number, length: number) =>
    setUp(
      Array.from({ length: count }, (_, at) => ({
        name: 'x',
        labels: { at: String(at) },
        points: everySecond(Array.from({ length }, () => 1)),
      })),
    );

  for (const [what, query, message] of [
    ['points', { stepMs: 1000, toMs: T + 43_200_000 }, /1s makes 43201 points.*step of 5s or more/],
    [
      'raw samples of one series',
      { fn: 'raw', toMs: T + 43_200_000 },
      /has 20000 samples.*fn=avg with a step of 5s/,
    ],
  ] as const) {
    it(`is told how many ${what} are too many, and what would do`, async () => {
      await assert.rejects(many(1, 20_000).run(query), (thrown) => {
        assert.match(String(thrown), message);
        assert.equal((thrown as { reason?: string }).reason, 'TOO_MUCH_ASKED');
        return true;
      });
    });
  }

  it('is told so for all series together', async () => {
    const { run } = many(60, 10);
    const query = { stepMs: 1000, toMs: T + 10_000_000 };
    await assert.rejects(run(query), /50 series or more of 10001 points.*step of 30s or more/);
    const { series } = await run({ ...query, stepMs: 30_000 });
    assert.equal(series.length, 60);
    // What is put together counts as what comes out.
    await run({ ...query, aggregation: 'sum' });
  });

  it('is told so by whoever keeps the samples', async () => {
    await assert.rejects(
      many(1001, 1).run({}),
      /selects 1001 series, and 1000 is the most; steps of/,
    );
  });

  it('ends when nobody waits for the answer any more', async () => {
    const { context, run } = many(1, 1);
    const controller = new AbortController();
    controller.abort(new Error('gone'));
    await assert.rejects(
      runRangeQuery(
        { selectors: ALL, fromMs: T, toMs: T, limit: 1, fn: 'raw' },
        { ...context, signal: controller.signal },
      ),
      /gone/,
    );
    await run({});
  });
});

describe('stepFor', () => {
  it('finds a handy step', () => {
    const hourMs = 3_600_000;
    assert.equal(stepFor(hourMs, 300), 15_000);
    assert.equal(stepFor(24 * hourMs, 300), 300_000);
    assert.equal(stepFor(0, 300), 1000);
    assert.equal(stepFor(400 * 24 * hourMs, 300), 48 * hourMs);
  });
});
