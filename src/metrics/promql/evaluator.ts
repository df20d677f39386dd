/** What functions ask of whoever evaluates the query they stand in. */
import type { Labels } from '#metrics/labels.ts';
import type { SeriesPoints } from '#metrics/metric-reader.ts';
import type { Column } from './column.ts';
import type { Pace } from './pace.ts';
import type { Expression, SelectorNode } from './syntax-tree.ts';
import type { WindowContext } from './window.ts';

/** A range vector: points, and the window that belongs to each instant. */
export interface Windows {
  readonly series: readonly SeriesPoints[];
  readonly context: WindowContext;
}

export interface Evaluator {
  readonly pace: Pace;
  /** The instants. */
  readonly timesMs: Float64Array;
  vector(node: Expression): Promise<readonly Column[]>;
  scalar(node: Expression): Promise<Float64Array>;
  windows(argument: Expression): Promise<Windows>;
  /** What an instant selector finds: of each sample, whatever is picked. */
  lookUp(
    node: SelectorNode,
    pick: (points: SeriesPoints, at: number) => number,
  ): Promise<readonly Column[]>;
  /** Each value by itself becomes another; the result is of no metric. */
  map(
    columns: readonly Column[],
    compute: (value: number, step: number) => number,
  ): Promise<readonly Column[]>;
  newScalar(): Float64Array;
  newColumn(labels: Labels): Column;
}
