/** The middle value; the mean of the two in the middle when their number is even. */
export function median(values: readonly number[]): number {
  return (
    (percentile(values, 0.5) +
      -percentile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  );
}

/** The smallest value that a share of `rank` of all values does not exceed. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = Math.max(0, Math.ceil(rank * sorted.length) - 1);
  const value = sorted[at];
  if (value === undefined) throw new Error('there is nothing to take a percentile of');
  return value;
}

/**
 * How much y grows with each unit of x: the median of the slopes between any two points, which a
 * few that are far off do not move.
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  return median(
    points.flatMap(([x, y], at) =>
      points.slice(at + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
    ),
  );
}
