/**
 * The port for reading samples back, of whatever keeps them. Query languages and the range API
 * stand on this and know nothing of tiers, chunks or the memory in front of them.
 */
import type { Labels } from './labels.ts';
import type { MetricKind } from './metric-family.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** A missing label matches as an empty one. Expressions are anchored at both ends. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: MatchOperator;
  readonly value: string;
}

/**
 * What the caller will make of the points, so that rolled-up ones can be of use: `last` for
 * looking at values and for rates, `sum` for averages, sums and counts.
 */
export type RollupColumn = 'last' | 'min' | 'max' | 'sum';

export interface SeriesSelection {
  readonly matchers: readonly LabelMatcher[];
  /** Both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How far apart the instants are that the caller evaluates at; 0 for a single one. */
  readonly stepMs: number;
  readonly column: RollupColumn;
  /** Exceeding either is refused with `resource_exhausted`, naming by how much. */
  readonly maxSeries: number;
  readonly maxSamples: number;
}

export interface SeriesPoints {
  /** With `__name__`. */
  readonly labels: Labels;
  /** Milliseconds since 1970, growing. */
  readonly times: Float64Array;
  /** Of the column asked for. NaN marks the instant at which the series ended. */
  readonly values: Float64Array;
  /** Of rolled-up points: how many samples each stands for. Undefined: one each. */
  readonly counts: Float64Array | undefined;
}

export interface SeriesFilter {
  /** A series is found when all matchers of one of the lists match; no list finds all. */
  readonly matcherLists: readonly (readonly LabelMatcher[])[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

export interface MetricMetadata {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
}

export interface MetricReader {
  /** In no particular order. Long work lets other work in between and obeys the signal. */
  select(selection: SeriesSelection, signal: AbortSignal): Promise<readonly SeriesPoints[]>;
  /** Label sets, with `__name__`, of series that had samples in the time. */
  series(filter: SeriesFilter): Promise<readonly Labels[]>;
  metadata(): Promise<readonly MetricMetadata[]>;
}
