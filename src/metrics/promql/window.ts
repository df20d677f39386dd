/** The stretch of a series that each instant of a range function looks back on. */
import type { SeriesPoints } from '#metrics/metric-reader.ts';

/** What range functions may know besides the points. */
export interface WindowContext {
  /** For each instant, the end of its window; never falling. */
  readonly endsMs: Float64Array;
  readonly rangeMs: number;
  /** The instants themselves, whatever offset or pin the window has. */
  readonly timesMs: Float64Array;
  /** The scalar argument, for each instant. */
  readonly parameter: Float64Array | undefined;
}

/** Points from `low` up to, not with, `high`, at least one; undefined gives no value. */
export type WindowStep = (low: number, high: number, step: number) => number | undefined;

/** Made for each series; called with windows that only ever move on. */
export type RangeFunction = (points: SeriesPoints, context: WindowContext) => WindowStep;

/** Without the marks of where a series ended, which no range function counts. */
export function withoutEndMarks(points: SeriesPoints): SeriesPoints {
  const { values } = points;
  let marks = 0;
  for (let at = 0; at < values.length; at += 1) if (Number.isNaN(values[at])) marks += 1;
  if (marks === 0) return points;
  const keep = (array: Float64Array) => array.filter((_, at) => !Number.isNaN(values[at]));
  return {
    labels: points.labels,
    times: keep(points.times),
    values: keep(values),
    counts: points.counts === undefined ? undefined : keep(points.counts),
  };
}
