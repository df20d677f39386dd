/**
 * How a number went, beside it. It has no axis: the number says how much. It is drawn again only
 * when `values` are another list.
 */
import { memo } from 'react';
import { sparklinePaths } from './sparkline-path.ts';

export interface SparklineProps {
  /** What it shows: `CPU of web-1, last hour`. */
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Default 0. */
  readonly min?: number;
  /** Default is the largest value: for shares say 100. */
  readonly max?: number;
}

const WIDTH = 96;
const HEIGHT = 20;

export const Sparkline = memo(function Sparkline(props: SparklineProps) {
  const { label, values, min = 0, max } = props;
  const known = values.filter((value) => value !== null);
  const most = max ?? Math.max(min, ...known);
  const { line, area } = sparklinePaths(values, { width: WIDTH, height: HEIGHT, min, max: most });
  return (
    <svg
      className="sparkline"
      role="img"
      aria-label={label}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
    >
      <path className="sparkline-area" d={area} />
      <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
});
