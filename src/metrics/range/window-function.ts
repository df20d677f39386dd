/**
 * What becomes of the samples of a window. The window of instant t is (t - step, t]: windows stand
 * side by side, so that every sample is in exactly one of them.
 */
import type { RollupColumn, SeriesPoints } from '#metrics/metric-reader.ts';
import { MINUTE_MS } from '#kernel/units.ts';

export const WINDOW_FUNCTIONS = [
  ...(['last', 'rate', 'increase', 'avg', 'min', 'max', 'p50', 'p95', 'p99'] as const),
];
export type WindowFunction = (typeof WINDOW_FUNCTIONS)[number];

/** The instants at which windows end. */
export interface Windows {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** One value a window; NaN where it has none. */
type Compute = (points: SeriesPoints, windows: Windows) => Float64Array;

interface WindowRule {
  readonly column: RollupColumn;
  readonly compute: Compute;
}

/** Two samples further apart say nothing about the time between them. */
const LONGEST_GAP_MS = 30 * MINUTE_MS;

const RULES: Readonly<Record<WindowFunction, WindowRule>> = {
  last: { column: 'last', compute: fold((_, value) => value) },
  min: { column: 'min', compute: fold((kept, value) => (value < kept ? value : kept)) },
  max: { column: 'max', compute: fold((kept, value) => (value > kept ? value : kept)) },
  avg: { column: 'sum', compute: average },
  increase: { column: 'last', compute: (points, windows) => growth(points, windows).increases },
  rate: { column: 'last', compute: rate },
  p50: { column: 'last', compute: quantile(0.5) },
  p95: { column: 'last', compute: quantile(0.95) },
  p99: { column: 'last', compute: quantile(0.99) },
};

export function columnOf(name: WindowFunction): RollupColumn {
  return RULES[name].column;
}

/** How far before the first window samples are of use: what a counter grew from. */
export function lookbackMs(name: WindowFunction, stepMs: number): number {
  const needsEarlier = name === 'rate' || name === 'increase';
  return needsEarlier ? Math.min(LONGEST_GAP_MS, Math.max(stepMs, 5 * MINUTE_MS)) : 0;
}

export function computeWindows(
  name: WindowFunction,
  points: SeriesPoints,
  windows: Windows,
): Float64Array {
  return RULES[name].compute(points, windows);
}

/** In which window an instant is: negative before the first. */
function windowOf(timeMs: number, { firstMs, stepMs }: Windows): number {
  return Math.ceil((timeMs - firstMs) / stepMs);
}

function fold(combine: (kept: number, value: number) => number): Compute {
  return ({ times, values }, windows) => {
    const answers = new Float64Array(windows.count).fill(NaN);
    for (let at = 0; at < times.length; at += 1) {
      const value = values[at] ?? NaN;
      const window = windowOf(times[at] ?? NaN, windows);
      const kept = answers[window];
      if (Number.isNaN(value) || kept === undefined) continue;
      answers[window] = Number.isNaN(kept) ? value : combine(kept, value);
    }
    return answers;
  };
}

function average({ times, values, counts }: SeriesPoints, windows: Windows): Float64Array {
  const sums = new Float64Array(windows.count);
  const totals = new Float64Array(windows.count);
  for (let at = 0; at < times.length; at += 1) {
    const value = values[at] ?? NaN;
    const window = windowOf(times[at] ?? NaN, windows);
    if (Number.isNaN(value) || !(window >= 0 && window < windows.count)) continue;
    sums[window] = (sums[window] ?? 0) + value;
    totals[window] = (totals[window] ?? 0) + (counts?.[at] ?? 1);
  }
  // Nothing by nothing is NaN, which is what a window without samples is to say.
  return sums.map((sum, window) => sum / (totals[window] ?? 0));
}

/**
 * What a counter grew by belongs to the window of the later sample, so that windows add up to the
 * whole. A counter that went back began anew at zero. After the end of a series, or a long gap,
 * the next sample is a beginning and no growth.
 */
function growth({ times, values }: SeriesPoints, windows: Windows) {
  const increases = new Float64Array(windows.count).fill(NaN);
  const coveredMs = new Float64Array(windows.count);
  let before = NaN;
  let beforeMs = NaN;
  for (let at = 0; at < times.length; at += 1) {
    const value = values[at] ?? NaN;
    const timeMs = times[at] ?? NaN;
    const elapsedMs = timeMs - beforeMs;
    const window = windowOf(timeMs, windows);
    const known = increases[window];
    if (!Number.isNaN(value - before) && elapsedMs <= LONGEST_GAP_MS && known !== undefined) {
      const grown = value >= before ? value - before : value;
      increases[window] = Number.isNaN(known) ? grown : known + grown;
      coveredMs[window] = (coveredMs[window] ?? 0) + elapsedMs;
    }
    before = value;
    beforeMs = timeMs;
  }
  return { increases, coveredMs };
}

function rate(points: SeriesPoints, windows: Windows): Float64Array {
  const { increases, coveredMs } = growth(points, windows);
  return increases.map((increase, window) => (1000 * increase) / (coveredMs[window] ?? NaN));
}

/** Between the two nearest values, as Prometheus and spreadsheets have it. */
function quantile(share: number): Compute {
  return ({ times, values }, windows) => {
    const answers = new Float64Array(windows.count).fill(NaN);
    let begin = 0;
    while (begin < times.length) {
      const window = windowOf(times[begin] ?? NaN, windows);
      let end = begin + 1;
      while (end < times.length && windowOf(times[end] ?? NaN, windows) === window) end += 1;
      const sorted = values.slice(begin, end).filter((value) => !Number.isNaN(value));
      sorted.sort();
      if (window >= 0 && window < windows.count) answers[window] = quantileOf(sorted, share);
      begin = end;
    }
    return answers;
  };
}

function quantileOf(sorted: Float64Array, share: number): number {
  const rank = share * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? NaN;
  const high = sorted[Math.ceil(rank)] ?? NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}
