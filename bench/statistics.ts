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
