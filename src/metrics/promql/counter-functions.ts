/** Functions of how a series grows: rates, differences, slopes, and how often it changed. */
import type { SeriesPoints } from '#metrics/metric-reader.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { PrefixSums } from './exact-sum.ts';
import type { RangeFunction, WindowContext } from './window.ts';

interface Growth {
  /** Falls are restarts from zero, and the series began at zero. */
  readonly isCounter: boolean;
  readonly isPerSecond: boolean;
}

/** A window reaches to its ends unless the nearest point is further off than this many gaps. */
const GAPS_TO_END = 1.1;

/**
 * The growth between the first and last point, stretched to the window's ends: to the very end
 * when the points come close to it, else by half of the usual gap between them.
 */
function growth({ isCounter, isPerSecond }: Growth): RangeFunction {
  return (points, { endsMs, rangeMs }) => {
    const { times, values } = points;
    const falls = isCounter ? fallsOf(points) : undefined;
    return (low, high, step) => {
      if (high - low < 2) return undefined;
      const first = values[low] ?? NaN;
      const last = values[high - 1] ?? NaN;
      const firstMs = times[low] ?? NaN;
      const lastMs = times[high - 1] ?? NaN;
      const grown = last - first + (falls?.between(low + 1, high) ?? 0);
      const endMs = endsMs[step] ?? NaN;
      let before = (firstMs - (endMs - rangeMs)) / SECOND_MS;
      const after = (endMs - lastMs) / SECOND_MS;
      const sampled = (lastMs - firstMs) / SECOND_MS;
      const gap = sampled / (high - low - 1);
      if (isCounter && grown > 0 && first >= 0) {
        // Going back further, the counter would have been below zero.
        before = Math.min(before, sampled * (first / grown));
      }
      const reach = (side: number) => (side < gap * GAPS_TO_END ? side : gap / 2);
      const stretched = sampled + reach(before) + reach(after);
      const factor = stretched / sampled / (isPerSecond ? rangeMs / SECOND_MS : 1);
      return grown * factor;
    };
  };
}

/** At each point, what was lost in a fall to it. */
function fallsOf({ values }: SeriesPoints): PrefixSums | undefined {
  const falls = new Float64Array(values.length);
  let hasFallen = false;
  for (let at = 1; at < values.length; at += 1) {
    const before = values[at - 1] ?? NaN;
    if (!((values[at] ?? NaN) < before)) continue;
    falls[at] = before;
    hasFallen = true;
  }
  return hasFallen ? new PrefixSums(falls) : undefined;
}

function newestGrowth(isRate: boolean): RangeFunction {
  return ({ times, values }) =>
    (low, high) => {
      if (high - low < 2) return undefined;
      const last = values[high - 1] ?? NaN;
      const before = values[high - 2] ?? NaN;
      const elapsedMs = (times[high - 1] ?? NaN) - (times[high - 2] ?? NaN);
      if (elapsedMs === 0) return undefined;
      if (!isRate) return last - before;
      return (last < before ? last : last - before) / (elapsedMs / SECOND_MS);
    };
}

/** How often two neighbours are such, within the window. */
function countPairs(is: (before: number, value: number) => boolean): RangeFunction {
  return ({ values }) => {
    const until = new Uint32Array(values.length + 1);
    for (let at = 0; at < values.length; at += 1) {
      const isSo = at > 0 && is(values[at - 1] ?? NaN, values[at] ?? NaN);
      until[at + 1] = (until[at] ?? 0) + (isSo ? 1 : 0);
    }
    return (low, high) => (until[high] ?? 0) - (until[low + 1] ?? 0);
  };
}

interface Line {
  readonly slope: number;
  /** At the instant asked for. */
  readonly level: number;
}

/** Least squares through the points from `low` up to, not with, `high`. */
function fitLine(
  { times, values }: SeriesPoints,
  { low, high }: { readonly low: number; readonly high: number },
  originMs: number,
): Line {
  const count = high - low;
  const first = values[low] ?? NaN;
  let isLevel = true;
  let sumX = 0;
  let sumY = 0;
  let sumXX = 0;
  let sumXY = 0;
  for (let at = low; at < high; at += 1) {
    const x = ((times[at] ?? NaN) - originMs) / SECOND_MS;
    // From the first value on, so that large values that hardly change keep their digits.
    const y = (values[at] ?? NaN) - first;
    if (values[at] !== first) isLevel = false;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumXY += x * y;
  }
  if (isLevel)
    return Number.isFinite(first) ? { slope: 0, level: first } : { slope: NaN, level: NaN };
  const slope = (sumXY - (sumX * sumY) / count) / (sumXX - (sumX * sumX) / count);
  return { slope, level: first + sumY / count - (slope * sumX) / count };
}

const deriv: RangeFunction = (points) => (low, high) => {
  if (high - low < 2) return undefined;
  return fitLine(points, { low, high }, points.times[low] ?? NaN).slope;
};

const predictLinear: RangeFunction =
  (points, { timesMs, parameter }: WindowContext) =>
  (low, high, step) => {
    if (high - low < 2) return undefined;
    // Times count from a point of the window: large ones would cost digits.
    const originMs = points.times[low] ?? NaN;
    const { slope, level } = fitLine(points, { low, high }, originMs);
    const aheadSeconds =
      ((timesMs[step] ?? NaN) - originMs) / SECOND_MS + (parameter?.[step] ?? NaN);
    return level + slope * aheadSeconds;
  };

export const COUNTER_FUNCTIONS = {
  rate: growth({ isCounter: true, isPerSecond: true }),
  increase: growth({ isCounter: true, isPerSecond: false }),
  delta: growth({ isCounter: false, isPerSecond: false }),
  irate: newestGrowth(true),
  idelta: newestGrowth(false),
  changes: countPairs(
    (before, value) => value !== before && !(Number.isNaN(value) && Number.isNaN(before)),
  ),
  resets: countPairs((before, value) => value < before),
  deriv,
  predict_linear: predictLinear,
} satisfies Record<string, RangeFunction>;
