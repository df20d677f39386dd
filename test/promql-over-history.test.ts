/** Queries over the store that is really used, against the same samples in memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import type { History } from '#metrics/history/history.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import { createPromql } from '#metrics/promql/promql.ts';
import type { ResultSeries } from '#metrics/promql/query-result.ts';
import { HistoryPlace, NEVER, START_MS } from '#test/history-fixture.ts';
import { MemoryMetricReader, type MemorySeries } from '#test/memory-metric-reader.ts';
import { QUERIES } from './peers/promql-queries.ts';
import { promqlSamples, SPAN_MS, STEP_MS } from './peers/promql-samples.ts';

/** Digits after the point of what is measured; two for all others. */
const SCALES: Readonly<Record<string, number>> = { tiny: 9, huge: 0, jittery_total: 3 };

function familyOf(name: string): MetricFamily {
  return { name, help: name, kind: 'untyped', scale: SCALES[name] ?? 2 };
}

/** History notes the end of a series at the first instant without a sample. */
function markGaps(series: MemorySeries): MemorySeries {
  const points: (readonly [number, number])[] = [];
  for (const [atMs, value] of series.points) {
    const [lastMs, last] = points.at(-1) ?? [atMs, NaN];
    const isGap = atMs - lastMs > STEP_MS * 1.9 && !Number.isNaN(last);
    if (isGap && series.name !== 'jittery_total') points.push([lastMs + STEP_MS, NaN]);
    points.push([atMs, value]);
  }
  const [lastMs, last] = points.at(-1) ?? [START_MS, NaN];
  const isOver = lastMs < START_MS + SPAN_MS - STEP_MS && !Number.isNaN(last);
  if (isOver) points.push([lastMs + STEP_MS, NaN]);
  return { ...series, points };
}

function fill(history: History, all: readonly MemorySeries[]): void {
  const rows = all.flatMap(({ name, labels = {}, points }) => {
    const { scale } = familyOf(name);
    const ref = history.declare(familyOf(name), labels);
    assert.ok(ref !== undefined);
    const row = history.createRow([ref]);
    return points.map(([atMs, value]) => ({ atMs, row, sample: Math.round(value * 10 ** scale) }));
  });
  for (const { atMs, row, sample } of rows.toSorted((a, b) => a.atMs - b.atMs)) {
    history.appendRow(row, atMs, Float64Array.of(sample));
  }
}

function compare(query: string, ours: readonly ResultSeries[], other: readonly ResultSeries[]) {
  assert.deepEqual(
    ours.map(({ labels }) => labels),
    other.map(({ labels }) => labels),
    query,
  );
  for (const [at, { times, values }] of ours.entries()) {
    assert.deepEqual(times, other[at]?.times, query);
    for (const [index, value] of values.entries()) {
      const expected = other[at]?.values[index] ?? NaN;
      const isClose = Math.abs(value - expected) <= 1e-9 * Math.abs(expected) + 1e-9;
      assert.ok(isClose || Object.is(value, expected), `${query}: ${value}, not ${expected}`);
    }
  }
}

describe('a query over history', () => {
  it('has the answers it has over the same samples in memory', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const samples = promqlSamples(START_MS).map(markGaps);
    const rounded = samples.map((series) => ({
      ...series,
      points: series.points.map(([atMs, value]) => {
        const power = 10 ** familyOf(series.name).scale;
        return [atMs, Math.round(value * power) / power] as const;
      }),
    }));
    fill(history, samples);
    const limits = { maxConcurrent: 1 };
    const ours = createPromql({ reader: history.reader, clock: systemClock, limits });
    const memory = new MemoryMetricReader(rounded);
    const other = createPromql({ reader: memory, clock: systemClock, limits });
    const range = { fromMs: START_MS, toMs: START_MS + SPAN_MS, stepMs: 60_000 };
    for (const query of QUERIES) {
      const expected = await other.range(query, range, NEVER).catch((thrown: unknown) => thrown);
      if (expected instanceof Error) {
        await assert.rejects(ours.range(query, range, NEVER), { message: expected.message });
        continue;
      }
      const { series } = await ours.range(query, range, NEVER);
      compare(query, series, (expected as { series: readonly ResultSeries[] }).series);
    }
  });
});
