/** What a query comes to. */
import type { Labels } from '#metrics/labels.ts';

export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface ResultSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export type InstantResult =
  | { readonly kind: 'scalar'; readonly atMs: number; readonly value: number }
  | { readonly kind: 'string'; readonly atMs: number; readonly text: string }
  | { readonly kind: 'vector'; readonly atMs: number; readonly samples: readonly VectorSample[] }
  | { readonly kind: 'matrix'; readonly series: readonly ResultSeries[] };

/** In order of labels. */
export interface RangeResult {
  readonly series: readonly ResultSeries[];
}
