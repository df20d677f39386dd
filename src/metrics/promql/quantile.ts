/** Quantiles: of plain values, and of the counts of a histogram's buckets. */

/** Between the two nearest values in proportion. Values grow, not-numbers first. */
export function quantileOfSorted(quantile: number, sorted: ArrayLike<number>): number {
  const { length } = sorted;
  if (length === 0 || Number.isNaN(quantile)) return NaN;
  if (quantile < 0) return -Infinity;
  if (quantile > 1) return Infinity;
  const rank = quantile * (length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] ?? NaN) * (1 - weight) + (sorted[upper] ?? NaN) * weight;
}

export interface Bucket {
  readonly upperBound: number;
  /** Of observations up to the bound. */
  count: number;
}

/** Within the bucket that holds it, observations are taken to be spread evenly. */
export function quantileOfBuckets(quantile: number, given: readonly Bucket[]): number {
  if (Number.isNaN(quantile)) return NaN;
  if (quantile < 0) return -Infinity;
  if (quantile > 1) return Infinity;
  const buckets = tidyBuckets(given);
  const last = buckets.at(-1);
  if (buckets.length < 2 || last?.upperBound !== Infinity || last.count === 0) return NaN;
  const rank = quantile * last.count;
  const at = buckets.findIndex(({ count }, index) => index === buckets.length - 1 || count >= rank);
  const found = buckets[at];
  const before = buckets[at - 1];
  if (found === undefined) return NaN;
  if (at === buckets.length - 1) return before?.upperBound ?? NaN;
  if (before === undefined && found.upperBound <= 0) return found.upperBound;
  const start = before?.upperBound ?? 0;
  const below = before?.count ?? 0;
  return start + (found.upperBound - start) * ((rank - below) / (found.count - below));
}

/** In order, one for each bound, and counts that never fall: scrapes are not of one instant. */
function tidyBuckets(given: readonly Bucket[]): Bucket[] {
  const tidy: Bucket[] = [];
  for (const { upperBound, count } of given.toSorted((a, b) => a.upperBound - b.upperBound)) {
    const last = tidy.at(-1);
    if (last?.upperBound === upperBound) last.count += count;
    else tidy.push({ upperBound, count });
  }
  let most = -Infinity;
  for (const bucket of tidy) {
    if (bucket.count > most) most = bucket.count;
    else if (bucket.count < most) bucket.count = most;
  }
  return tidy;
}
