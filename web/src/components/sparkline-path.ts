/** The line of a sparkline. What is not known leaves a gap. */

export interface SparklineFrame {
  readonly width: number;
  readonly height: number;
  readonly min: number;
  readonly max: number;
}

export interface SparklinePaths {
  readonly line: string;
  /** Between the line and the bottom. */
  readonly area: string;
}

export function sparklinePaths(
  values: readonly (number | null)[],
  { width, height, min, max }: SparklineFrame,
): SparklinePaths {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const span = max > min ? max - min : 1;
  const pieces: string[][] = [];
  let piece: string[] | undefined;
  for (const [at, value] of values.entries()) {
    if (value === null || !Number.isFinite(value)) {
      piece = undefined;
      continue;
    }
    if (piece === undefined) pieces.push((piece = []));
    const y = height - (Math.min(Math.max(value, min), max) - min) * (height / span);
    piece.push(`${round(at * step)} ${round(y)}`);
  }
  return {
    // A point without neighbours is a line of no length, which round ends make a dot.
    line: pieces.map((points) => `M${points.join('L')}${points.length === 1 ? 'h0' : ''}`).join(''),
    area: pieces.map((points) => areaOf(points, height)).join(''),
  };
}

function areaOf(points: readonly string[], height: number): string {
  const from = points[0]?.split(' ', 1)[0] ?? '0';
  const to = points.at(-1)?.split(' ', 1)[0] ?? '0';
  return `M${from} ${height}L${points.join('L')}L${to} ${height}Z`;
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
