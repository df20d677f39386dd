/**
 * Reads history as graphs want it: one value for each window of each series.
 *
 * Windows end at multiples of the step, so that the same question a second later answers the same
 * points. How much may be asked at once is bounded, and a refusal says what would be answered.
 */
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { Pacer } from '#metrics/history/pacer.ts';
import { METRIC_NAME, seriesKey, type Labels } from '#metrics/labels.ts';
import type {
  LabelMatcher,
  MetricReader,
  SeriesPoints,
  SeriesSelection,
} from '#metrics/metric-reader.ts';
import { durationToText } from '#metrics/thresholds/duration.ts';
import { SeriesCombiner, type Aggregation, type WindowedSeries } from './combine-series.ts';
import {
  columnOf,
  computeWindows,
  lookbackMs,
  type WindowFunction,
  type Windows,
} from './window-function.ts';

interface RangeSelection {
  /** A series is meant when all matchers of one of the lists match. */
  readonly selectors: readonly (readonly LabelMatcher[])[];
  readonly fromMs: number;
  readonly toMs: number;
  /** More series than this are left out, and that is said. */
  readonly limit: number;
}

/** The samples themselves, at their own instants. */
export interface RawQuery extends RangeSelection {
  readonly fn: 'raw';
}

export interface WindowQuery extends RangeSelection {
  readonly fn: WindowFunction;
  readonly stepMs: number;
  readonly aggregation: Aggregation | undefined;
  readonly by: readonly string[];
}

export type RangeQuery = RawQuery | WindowQuery;

export interface RangeSeries {
  /** With `__name__`, unless series of several metrics were put together. */
  readonly labels: Labels;
  readonly times: Float64Array;
  /** NaN: there is none. */
  readonly values: Float64Array;
}

export interface RangeAnswer {
  /** In the order of their metrics and labels. */
  readonly series: readonly RangeSeries[];
  /** How many there are, those left out included. */
  readonly found: number;
}

export interface RangeContext {
  readonly reader: MetricReader;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const MOST_POINTS = 11_000;
export const MOST_SERIES = 1000;
const MOST_VALUES = 500_000;
const MOST_SAMPLES = 2_000_000;
/** Steps that people and clocks like. */
const STEPS_S = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10_800, 21_600, 43_200, 86_400],
];

/** The shortest handy step that cuts the time into no more than so many points. */
export function stepFor(rangeMs: number, points: number): number {
  const leastMs = rangeMs / points;
  const handy = STEPS_S.find((seconds) => seconds * 1000 >= leastMs);
  const dayMs = 86_400_000;
  return handy === undefined ? Math.ceil(leastMs / dayMs) * dayMs : handy * 1000;
}

/** The caller may only see series of this customer. */
export function scopeSelectors(
  selectors: readonly (readonly LabelMatcher[])[],
  customerId: string | undefined,
): readonly (readonly LabelMatcher[])[] {
  if (customerId === undefined) return selectors;
  const scope = { label: 'customer_id', operator: '=', value: customerId } as const;
  return selectors.map((matchers) => [...matchers, scope]);
}

export async function runRangeQuery(
  query: RangeQuery,
  context: RangeContext,
): Promise<RangeAnswer> {
  const all =
    query.fn === 'raw' ? await readRaw(query, context) : await readWindows(query, context);
  const sorted = all
    .map((series) => ({ series, key: keyOf(series.labels) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return { series: sorted.slice(0, query.limit).map(({ series }) => series), found: all.length };
}

function keyOf({ [METRIC_NAME]: name = '', ...labels }: Labels): string {
  return seriesKey(name, labels);
}

async function readRaw(query: RawQuery, context: RangeContext): Promise<RangeSeries[]> {
  const selected = await select(query, { stepMs: 0, column: 'last', earlierMs: 0 }, context);
  let values = 0;
  for (const { labels, times } of selected) {
    values += times.length;
    if (times.length <= MOST_POINTS) continue;
    throw tooMuch(
      `${keyOf(labels)} has ${times.length} samples in this time, and ${MOST_POINTS} is the most`,
      `ask for less time, or for fn=avg with a step of ${stepText(query, MOST_POINTS)}`,
    );
  }
  if (values > MOST_VALUES) {
    const points = Math.floor(MOST_VALUES / selected.length);
    throw tooMuch(
      `these are ${values} samples, and ${MOST_VALUES} is the most`,
      `ask for fewer series, or for fn=avg with a step of ${stepText(query, points)}`,
    );
  }
  return selected.map(({ labels, times, values: own }) => ({ labels, times, values: own }));
}

async function readWindows(query: WindowQuery, context: RangeContext): Promise<RangeSeries[]> {
  const windows = windowsOf(query);
  if (windows.count > MOST_POINTS) {
    throw tooMuch(
      `a step of ${durationToText(query.stepMs)} makes ${windows.count} points of this time, and ` +
        `${MOST_POINTS} is the most`,
      `ask for a step of ${stepText(query, MOST_POINTS)} or more, or for less time`,
    );
  }
  if (windows.count <= 0) return [];
  const { fn, stepMs, aggregation, by } = query;
  const earlierMs = stepMs + lookbackMs(fn, stepMs);
  const selected = await select(query, { stepMs, column: columnOf(fn), earlierMs }, context);
  const pacer = new Pacer(context.clock, context.signal);
  const combiner = aggregation === undefined ? undefined : new SeriesCombiner(aggregation, by);
  const kept: WindowedSeries[] = [];
  for (const points of selected) {
    if (pacer.isDue) await pacer.pause();
    checkValues((combiner?.groups ?? kept.length) + 1, windows, query);
    const values = computeWindows(fn, points, windows);
    const series = { labels: points.labels, values };
    if (values.every(Number.isNaN)) continue;
    if (combiner === undefined) kept.push(series);
    else combiner.add(series);
  }
  const times = new Float64Array(windows.count).map((_, at) => windows.firstMs + at * stepMs);
  return (combiner?.finish() ?? kept).map(({ labels, values }) => ({ labels, times, values }));
}

function windowsOf({ fromMs, toMs, stepMs }: WindowQuery): Windows {
  const firstMs = Math.ceil(fromMs / stepMs) * stepMs;
  return { firstMs, stepMs, count: Math.floor((toMs - firstMs) / stepMs) + 1 };
}

function checkValues(series: number, { count }: Windows, query: WindowQuery): void {
  if (series * count <= MOST_VALUES) return;
  throw tooMuch(
    `${series} series or more of ${count} points each are over ${MOST_VALUES} values, the most`,
    `ask for a step of ${stepText(query, MOST_VALUES / MOST_SERIES)} or more, for fewer series, ` +
      'or for less time',
  );
}

interface Reading {
  readonly stepMs: number;
  readonly column: 'last' | 'min' | 'max' | 'sum';
  /** How far before the time asked for reading begins. */
  readonly earlierMs: number;
}

/** Each series once, whichever of the selectors find it. */
async function select(
  { selectors, fromMs, toMs }: RangeSelection,
  { stepMs, column, earlierMs }: Reading,
  { reader, signal }: RangeContext,
): Promise<SeriesPoints[]> {
  const found = new Map<string, SeriesPoints>();
  let samples = 0;
  for (const matchers of selectors) {
    signal.throwIfAborted();
    const selected = await readSome(reader, signal, {
      ...{ matchers, fromMs: fromMs - earlierMs, toMs, stepMs, column },
      maxSeries: MOST_SERIES,
      maxSamples: MOST_SAMPLES - samples,
    });
    for (const points of selected) {
      samples += points.times.length;
      found.set(keyOf(points.labels), points);
    }
    if (found.size <= MOST_SERIES) continue;
    throw tooMuch(
      `these are at least ${found.size} series, and ${MOST_SERIES} is the most`,
      'ask for fewer metrics, or add matchers',
    );
  }
  return [...found.values()];
}

async function readSome(
  reader: MetricReader,
  signal: AbortSignal,
  selection: SeriesSelection,
): Promise<readonly SeriesPoints[]> {
  try {
    return await reader.select(selection, signal);
  } catch (thrown) {
    if (!isErrorKind(thrown, 'resource_exhausted') || !(thrown instanceof DroverError))
      throw thrown;
    const rolledUp = 'steps of 5m and more need fewer samples, where history is rolled up';
    throw tooMuch(thrown.message, rolledUp, thrown);
  }
}

function stepText({ fromMs, toMs }: RangeSelection, points: number): string {
  return durationToText(stepFor(toMs - fromMs, points));
}

function tooMuch(what: string, instead: string, cause?: unknown): DroverError {
  return new DroverError('invalid_argument', `${what}; ${instead}`, {
    reason: 'TOO_MUCH_ASKED',
    cause,
  });
}
