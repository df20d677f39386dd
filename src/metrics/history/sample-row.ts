import type { HistorySeries } from './history-series.ts';

/** A series that samples can be appended to. */
export type SeriesRef = HistorySeries;

/** Series that are always sampled together. */
export interface SampleRow extends Disposable {
  readonly series: readonly SeriesRef[];
  /** Counts rows, for the write-ahead log. */
  readonly number: number;
}
