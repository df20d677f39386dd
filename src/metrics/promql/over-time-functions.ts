/** Functions of all values in a window. What can be, is carried from one window to the next. */
import { PrefixSums, plainSum } from './exact-sum.ts';
import { quantileOfSorted } from './quantile.ts';
import type { RangeFunction } from './window.ts';

/** How many samples, of which rolled-up points stand for several each. */
const countOverTime: RangeFunction = ({ counts }) => {
  if (counts === undefined) return (low, high) => high - low;
  const sums = new PrefixSums(counts);
  return (low, high) => sums.between(low, high);
};

const sumOverTime: RangeFunction = ({ values }) => {
  if (!values.every(Number.isFinite)) return (low, high) => plainSum(values, low, high);
  const sums = new PrefixSums(values);
  return (low, high) => sums.between(low, high);
};

const avgOverTime: RangeFunction = (points, context) => {
  const sum = sumOverTime(points, context);
  const count = countOverTime(points, context);
  return (low, high, step) => (sum(low, high, step) ?? NaN) / (count(low, high, step) ?? NaN);
};

/**
 * The least or greatest, by keeping only values that no later one beats: each comes once and goes
 * once. Not-numbers lose against every number.
 */
function extreme(isBetter: (a: number, b: number) => boolean): RangeFunction {
  return ({ values }) => {
    const kept = new Uint32Array(values.length);
    let first = 0;
    let end = 0;
    let read = 0;
    return (low, high) => {
      if (read < low) read = low;
      for (; read < high; read += 1) {
        const value = values[read] ?? NaN;
        if (Number.isNaN(value)) continue;
        while (end > first && !isBetter(values[kept[end - 1] ?? 0] ?? NaN, value)) end -= 1;
        kept[end++] = read;
      }
      while (first < end && (kept[first] ?? 0) < low) first += 1;
      return first < end ? values[kept[first] ?? 0] : NaN;
    };
  };
}

/** In two passes: the mean first, so that no digits are lost to values far from zero. */
function varianceOf(values: Float64Array, low: number, high: number): number {
  const mean = plainSum(values, low, high) / (high - low);
  let squares = 0;
  for (let at = low; at < high; at += 1) squares += ((values[at] ?? NaN) - mean) ** 2;
  return squares / (high - low);
}

/** Below this part of the squares, sums have lost digits that the window itself still has. */
const LEAST_PART = 1e-4;

const variance: RangeFunction = ({ values }) => {
  const middle = plainSum(values, 0, values.length) / values.length;
  const offsets = values.map((value) => value - middle);
  const squares = offsets.map((offset) => offset * offset);
  if (!squares.every(Number.isFinite)) return (low, high) => varianceOf(values, low, high);
  const [sums, squareSums] = [new PrefixSums(offsets), new PrefixSums(squares)];
  return (low, high) => {
    const mean = sums.between(low, high) / (high - low);
    const square = squareSums.between(low, high) / (high - low);
    const found = square - mean * mean;
    return found > square * LEAST_PART ? found : varianceOf(values, low, high);
  };
};

const deviation: RangeFunction = (points, context) => {
  const squared = variance(points, context);
  return (low, high, step) => Math.sqrt(squared(low, high, step) ?? NaN);
};

/** Keeps the window's values in order; a value finds its place by halving. */
const quantileOverTime: RangeFunction = ({ values }, { parameter }) => {
  const sorted = new Float64Array(values.length);
  let size = 0;
  let from = 0;
  let to = 0;
  const place = (value: number) => {
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(sorted[middle] ?? NaN, value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const add = (value: number) => {
    const at = place(value);
    sorted.copyWithin(at + 1, at, size);
    sorted[at] = value;
    size += 1;
  };
  const remove = (value: number) => {
    const at = place(value);
    sorted.copyWithin(at, at + 1, size);
    size -= 1;
  };
  return (low, high, step) => {
    if (low >= to) {
      size = 0;
      from = low;
      to = low;
    }
    for (; to < high; to += 1) add(values[to] ?? NaN);
    for (; from < low; from += 1) remove(values[from] ?? NaN);
    return quantileOfSorted(parameter?.[step] ?? NaN, sorted.subarray(0, size));
  };
};

/** Not-numbers come first, as quantiles want it. */
function isBefore(a: number, b: number): boolean {
  if (Number.isNaN(a)) return !Number.isNaN(b);
  return a < b;
}

export const OVER_TIME_FUNCTIONS = {
  count_over_time: countOverTime,
  sum_over_time: sumOverTime,
  avg_over_time: avgOverTime,
  min_over_time: extreme((a, b) => a < b),
  max_over_time: extreme((a, b) => a > b),
  last_over_time:
    ({ values }) =>
    (_low, high) =>
      values[high - 1],
  present_over_time: () => () => 1,
  stdvar_over_time: variance,
  stddev_over_time: deviation,
  quantile_over_time: quantileOverTime,
} satisfies Record<string, RangeFunction>;
